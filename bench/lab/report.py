"""`docs/gather.md`: tables and plots between its markers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import ROOT, machine
from bench.lab.claims import claims
from bench.lab.scenario import Scenario
from bench.plot import panels
from bench.report import between, verdicts
from bench.results import Metric, Row, Table

DOCUMENT = ROOT / "docs" / "gather.md"
IMAGES = ROOT / "docs" / "images"

PLOTTED = (
    Metric("success", "whole answers, %", 1),
    Metric("p50_ms", "p50, ms"),
    Metric("p99_ms", "p99, ms"),
    Metric("load", "upstream requests / legs", 2),
)
COLUMNS = (
    PLOTTED[0],
    Metric("stale", "of them stale, %", 1),
    Metric("failed", "failed, %", 1),
    *PLOTTED[1:3],
    Metric("worst_ms", "slowest, ms"),
    PLOTTED[3],
)


def write(
    scenarios: Sequence[Scenario], tables: Mapping[str, Table], document: Path = DOCUMENT, images: Path = IMAGES
) -> None:
    """Rewrite what stands between the markers of each scenario that was run; the claims only where all were."""
    text = document.read_text()
    images.mkdir(parents=True, exist_ok=True)
    for scenario in scenarios:
        if (table := tables.get(scenario.name)) is None:
            continue
        (images / image(scenario)).write_text(panels(table))
        text = between(text, scenario.name, section(scenario, table), "lab")
    if len(tables) == len(scenarios):
        where = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
        text = between(text, "shows", f"{verdicts(claims(tables))}\n\nMachine: {where}.", "lab")
    document.write_text(text)


def section(scenario: Scenario, table: Table) -> str:
    """One scenario in Markdown."""
    return "\n\n".join([scenario.about, f"![{scenario.title}](images/{image(scenario)})", markdown(table)])


def markdown(table: Table) -> str:
    """A line for each variant."""
    lines = [_line(["", *(column.title for column in COLUMNS)]), _line(["---", *("---:" for _ in COLUMNS)])]
    lines += [_line([_name(row), *(_cell(row, column) for column in COLUMNS)]) for row in table.rows]
    return "\n".join(lines)


def _name(row: Row) -> str:
    return f"**{row.contestant}**" if row.kind == "ours" else row.contestant


def _cell(row: Row, column: Metric) -> str:
    return f"{row.figures[column.key].median:,.{column.decimals}f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def image(scenario: Scenario) -> str:
    """The name of its plot."""
    return f"lab-{scenario.name}.svg"
