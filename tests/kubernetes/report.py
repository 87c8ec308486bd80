"""The table of a run: a row for each test, printed at the end and written into docs/kubernetes.md with `DOCS=1`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"
BEGIN, END = "<!-- the cluster suite's last run -->", "<!-- end of the cluster suite's last run -->"
_HEAD = (
    "| row | result | requests | sockets | failed | lost | seconds | requests a second |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
)


@dataclass(slots=True)
class Figures:
    """What a test measured; None if it had no load. `note` is added to the result."""

    requests: int | None = None
    sockets: int | None = None
    failed: int | None = None
    lost: int | None = None
    seconds: float | None = None
    rate: float | None = None
    short: bool = False
    note: str = ""


@dataclass(slots=True)
class Row:
    """A test and its figures; `result` is passed, failed or skipped."""

    name: str
    result: str
    took: float
    figures: Figures = field(default_factory=Figures)

    def __str__(self) -> str:
        figures = self.figures
        counts = (figures.requests, figures.sockets, figures.failed, figures.lost)
        # Said in the row, because a load that was too small proves less.
        rate = (
            "-"
            if figures.rate is None
            else f"{figures.rate:.0f}{' (the generator fell short)' if figures.short else ''}"
        )
        seconds = self.took if figures.seconds is None else figures.seconds
        result = f"{self.result}: {figures.note}" if figures.note else self.result
        cells = [self.name, result, *("-" if one is None else f"{one:,}" for one in counts), f"{seconds:.0f}", rate]
        return f"| {' | '.join(cells)} |"


def table(rows: Iterable[Row]) -> list[str]:
    return [*_HEAD, *map(str, rows)]


def write(rows: Iterable[Row], page: Path = PAGE) -> None:
    """Replace the rows of this run in the page; those of tests that did not run stay."""
    text = page.read_text() if page.exists() else f"# Kubernetes\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    former, _, after = rest.partition(END)
    lines = {_name(line): line for line in former.splitlines() if line.startswith("| ")}
    for line in _HEAD:
        lines.pop(_name(line), None)
    lines |= {row.name: str(row) for row in rows}
    body = "\n".join([*_HEAD, *lines.values()])
    page.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}")


def _name(line: str) -> str:
    return line.split("|")[1].strip()
