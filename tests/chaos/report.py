"""`report.md` and the summary that is printed at the end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.claims import Claim
from tests.chaos.facts import KINDS, Verdict
from tests.chaos.history import Event
from tests.chaos.measures import Figures, Latencies, Window, figures, outside

_MOST_FINDINGS = 200


@dataclass(slots=True)
class Outcome:
    """All that a run came to. `notes` are what the reader must not miss."""

    seed: int
    events: Sequence[Event]
    windows: Sequence[Window]
    verdict: Verdict
    claims: Sequence[Claim] = ()
    notes: list[str] = field(default_factory=list)


def summary(outcome: Outcome) -> list[tuple[str, ...]]:
    """Rows of what the whole run came to."""
    verdict, counted = outcome.verdict, outcome.verdict.counted
    kinds = Counter(finding.kind for finding in verdict.findings)
    return [
        ("messages sent", str(counted["sends"])),
        ("acknowledged", str(counted["acked"])),
        ("stored", str(counted["stored"])),
        ("delivered", f"{counted['delivered']} to {counted['clients']} clients, {counted['connections']} connections"),
        ("faults", f"{sum(len(window.names) for window in outcome.windows)} in {len(outcome.windows)} steps"),
        ("lost", str(verdict.lost)),
        ("duplicates", str(kinds["duplicate"])),
        ("disorder", str(verdict.of("disorder", "order"))),
        ("other findings", str(len(verdict.findings) - verdict.lost - verdict.of("duplicate", "disorder", "order"))),
    ]


HEADER = (
    "fault",
    "s",
    "heal",
    "sends",
    "acked",
    "unknown",
    "errors",
    "closes",
    "ack>del p50",
    "p99",
    "max",
    "send>del p99",
)


def rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """A row for each window and one for all time outside of them."""
    for window in outcome.windows:
        took, healed = f"{window.stop - window.start:.1f}", f"{window.healed - window.stop:.1f}"
        yield (window.label, took, healed, *_figures(figures(outcome.events, window.start, window.healed)))
    yield ("no fault", "", "", *_figures(outside(outcome.events, outcome.windows)))


def _figures(seen: Figures) -> tuple[str, ...]:
    counts = (seen.sends, f"{seen.acked_share:.0%}", seen.unknown, seen.errors, seen.closed)
    return (*map(str, counts), *(_seconds(seen.delivered, q) for q in (0.5, 0.99, 1)), _seconds(seen.end_to_end, 0.99))


def _seconds(latencies: Latencies, quantile: float) -> str:
    value = latencies.at(quantile)
    return "-" if value is None else f"{value:.3f}"


def markdown(outcome: Outcome) -> str:
    """The whole report."""
    verdict = outcome.verdict
    lines = [
        f"# Chaos: {'passed' if verdict.passed else 'FAILED'}",
        "",
        f"Seed {outcome.seed}. docs/guarantees.md says how to read this; the events are in `history.jsonl`.",
        "",
        *(f"**{note}**\n" for note in outcome.notes),
        *_table(("what", ""), summary(outcome)),
        "",
        "## Faults",
        "",
        "Seconds. `heal`: from the end of the fault until every service was healthy. Outcomes are of what was sent from"
        " the start of the fault until then; deliveries are to clients that stayed connected.",
        "",
        *_table(HEADER, rows(outcome)),
        "",
        *(f"- {window.label}, at {window.start:.1f} s: {'; '.join(window.done)}" for window in outcome.windows),
        "",
        "![timeline](timeline.svg)",
    ]
    if outcome.claims:
        cells = [
            (c.scenario, c.sentence, c.measured, "holds" if c.holds else "**does not hold**") for c in outcome.claims
        ]
        lines += ["", "## Claims", "", *_table(("scenario", "claim", "measured", ""), cells)]
    lines += [
        "",
        "## Answers that were not an acknowledgement",
        "",
        *_table(("answer", "times"), _answers(outcome.events)),
    ]
    lines += ["", "## Findings", "", *_findings(verdict)]
    return "\n".join(lines) + "\n"


def _findings(verdict: Verdict) -> Iterator[str]:
    if not verdict.findings:
        yield "None."
    for kind, meaning in KINDS.items():
        found = sorted((finding for finding in verdict.findings if finding.kind == kind), key=lambda f: f.t)
        if found:
            yield f"\n### {kind}: {len(found)} ({meaning})\n"
            yield from (f"- {finding.t:.3f} s: {finding.text}" for finding in found[:_MOST_FINDINGS])


def _answers(events: Sequence[Event]) -> list[tuple[str, str]]:
    counted = Counter(
        f"close {event.code or event.why or 'cut'}" if event.kind == "close" else f"{event.kind}: {event.why}"
        for event in events
        if event.kind in {"error", "unknown", "refused", "close"}
    )
    return [(name, str(times)) for name, times in counted.most_common()]


def _table(header: Sequence[str], body: "Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]") -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "| " + " | ".join("---" for _ in header) + " |"
    for row in body:
        yield "| " + " | ".join(row) + " |"
