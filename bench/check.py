"""A short run against the committed results: ratios travel between machines, microseconds do not."""

from collections.abc import Sequence
from pathlib import Path

from bench.results import Result

# A short run on a busy machine varies by about as much.
TOLERANCE = 1.3


def against_committed(found: Sequence[Result], folder: Path) -> str:
    """A line for each ratio: now, committed, and whether that is a regression beyond `TOLERANCE`."""
    lines = []
    for result in found:
        path = folder / f"{result.workload}.json"
        committed = {verdict.claim: verdict for verdict in Result.load(path).verdicts} if path.exists() else {}
        for verdict in result.verdicts:
            before = committed.get(verdict.claim)
            if verdict.measured is None:
                continue
            if before is None or before.measured is None:
                lines.append(f"{result.workload}: {verdict.claim}: {verdict.measured:.3g}, nothing committed")
                continue
            worse = verdict.measured > before.measured * TOLERANCE + 1e-9
            state = "REGRESSION" if worse else "fine"
            lines.append(
                f"{result.workload}: {verdict.claim}: {verdict.measured:.3g}, committed {before.measured:.3g}: {state}"
            )
    return "\n".join(lines)
