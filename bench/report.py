"""`docs/performance.md`: each workload's tables and plots, put between its markers from `bench/results/`."""

import re
from collections.abc import Sequence
from pathlib import Path

from bench import ROOT
from bench.plot import bars
from bench.results import KEPT_UP, RESULTS, Result, Row, Table, Verdict

DOCUMENT = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"


def regenerate(
    names: Sequence[str], *, document: Path = DOCUMENT, images: Path = IMAGES, results: Path = RESULTS
) -> None:
    """Rewrite what stands between the markers of every workload in `names` that has a result, and the verdicts."""
    text = document.read_text()
    found = [Result.load(path) for name in names if (path := results / f"{name}.json").exists()]
    images.mkdir(parents=True, exist_ok=True)
    for result in found:
        for table in result.tables:
            (images / _image(result, table)).write_text(bars(table))
        text = between(text, result.workload, section(result))
    text = between(
        text, "shows", verdicts([(result.workload, verdict) for result in found for verdict in result.verdicts])
    )
    document.write_text(text)


def between(text: str, name: str, content: str, kind: str = "bench") -> str:
    """`text` with `content` between the markers `<!-- kind:name -->` and `<!-- /kind:name -->`.

    Raises ValueError where the document has no such markers.
    """
    opening, closing = f"<!-- {kind}:{name} -->", f"<!-- /{kind}:{name} -->"
    pattern = re.compile(re.escape(opening) + ".*?" + re.escape(closing), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no {opening} in the document")
    return pattern.sub(lambda _: f"{opening}\n{content.strip()}\n{closing}", text)


def section(result: Result) -> str:
    """A workload in Markdown."""
    machine = ", ".join(f"{name} {value}" for name, value in result.machine.items())
    parts = [f"{result.about}", f"{result.rounds} rounds of ABBA turns, one process each round. Machine: {machine}."]
    for table in result.tables:
        parts += [f"**{table.title}**", f"![{table.title}](images/{_image(result, table)})", markdown(table)]
    parts += [f"- {note}" for note in result.notes]
    return "\n\n".join(parts)


def markdown(table: Table) -> str:
    """Medians, with the range of the headline."""
    heads = ["", *(metric.title for metric in table.metrics), "made of"]
    lines = [_line(heads), _line(["---", *("---:" for _ in table.metrics), "---"])]
    lines += [_line([_name(row), *_cells(table, row), _made_of(row)]) for row in table.rows]
    return "\n".join(lines)


def verdicts(found: Sequence[tuple[str, Verdict]]) -> str:
    """Targets and what was measured."""
    lines = [_line(["workload", "claim", "target", "measured", ""]), _line(["---", "---", "---:", "---:", "---"])]
    for workload, verdict in found:
        measured = "not measured" if verdict.measured is None else f"{verdict.measured:.3g}"
        relation = "=" if verdict.exact else "≤"
        met = "met" if verdict.ok else "**missed**"
        lines.append(_line([workload, verdict.claim, f"{relation} {verdict.target:.3g}", measured, met]))
    return "\n".join(lines)


def _cells(table: Table, row: Row) -> list[str]:
    cells = []
    for number, metric in enumerate(table.metrics):
        figure = row.figures.get(metric.key)
        if figure is None:
            cells.append("")
            continue
        digits = metric.decimals
        spread = f" ({figure.low:,.{digits}f}-{figure.high:,.{digits}f})" if number == 0 else ""
        cells.append(f"{figure.median:,.{digits}f}{spread}")
    return cells


def _name(row: Row) -> str:
    return (
        f"**{row.contestant}**"
        if row.kind == "ours"
        else f"*{row.contestant}*"
        if row.kind == "limit"
        else row.contestant
    )


def _made_of(row: Row) -> str:
    kept_up = row.figures.get(KEPT_UP)
    late = "did not keep up with the arrival rate" if kept_up is not None and kept_up.median < 1 else ""
    return "; ".join(filter(None, (row.version, row.note, late)))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _image(result: Result, table: Table) -> str:
    return f"bench-{result.workload}-{table.name}.svg"
