"""What a workload found: tables of figures and verdicts on its targets, kept as JSON in `bench/results/`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import ROOT
from bench.contestant import Contestant
from bench.figures import Figure
from bench.rounds import Samples

RESULTS = ROOT / "bench" / "results"
# A metric that has no column: 1 where the contestant kept up with the arrival rate, else its latencies say little.
KEPT_UP = "kept_up"


@dataclass(frozen=True, slots=True)
class Metric:
    """A column: `key` in the samples, its heading, and the decimals to show."""

    key: str
    title: str
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A contestant in a table."""

    contestant: str
    version: str
    kind: str
    figures: Mapping[str, Figure]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison; the first metric is the headline, which the plot shows and the rows are ordered by."""

    name: str
    title: str
    metrics: Sequence[Metric]
    rows: Sequence[Row]

    def median(self, contestant: str, metric: str) -> float | None:
        """None where the contestant or the metric was not measured."""
        for row in self.rows:
            if row.contestant == contestant and metric in row.figures:
                return row.figures[metric].median
        return None

    def ratio(self, ours: str, theirs: str, metric: str) -> float | None:
        """Median by median."""
        one, other = self.median(ours, metric), self.median(theirs, metric)
        return one / other if one is not None and other else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target of the project: met where `measured` is at most `target` (exactly `target` where `exact`).

    `measured` is None where it could not be measured, which is no success.
    """

    claim: str
    target: float
    measured: float | None
    exact: bool = False

    @property
    def ok(self) -> bool:
        """True if it is met."""
        if self.measured is None:
            return False
        return self.measured == self.target if self.exact else self.measured <= self.target


@dataclass(frozen=True, slots=True)
class Result:
    """All of a workload; `about` says how it was measured, in Markdown."""

    workload: str
    title: str
    about: str
    rounds: int
    machine: Mapping[str, str]
    tables: Sequence[Table]
    verdicts: Sequence[Verdict]
    notes: Sequence[str] = field(default_factory=tuple)

    def save(self, folder: Path = RESULTS) -> Path:
        """Write `<workload>.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.workload}.json"
        path.write_text(json.dumps(_rounded(asdict(self)), indent=1, ensure_ascii=False) + "\n")
        return path

    @classmethod
    def load(cls, path: Path) -> "Result":
        """What `save` wrote."""
        raw = json.loads(path.read_text())
        raw["tables"] = [
            Table(
                table["name"],
                table["title"],
                [Metric(**metric) for metric in table["metrics"]],
                [_row(row) for row in table["rows"]],
            )
            for table in raw["tables"]
        ]
        raw["verdicts"] = [Verdict(**verdict) for verdict in raw["verdicts"]]
        return cls(**raw)


def table(
    name: str, title: str, metrics: Sequence[Metric], contestants: Sequence[Contestant], samples: Samples
) -> Table:
    """The table of `samples.values[name]`, cheapest first."""
    found = samples.values.get(name, {})
    rows = [
        Row(
            contestant.name,
            contestant.version,
            contestant.kind,
            {metric: Figure.of(values) for metric, values in found[contestant.name].items()},
            contestant.note,
        )
        for contestant in contestants
        if contestant.name in found
    ]
    headline = metrics[0].key
    return Table(name, title, metrics, sorted(rows, key=lambda row: row.figures[headline].median))


def _row(raw: dict[str, Any]) -> Row:
    return Row(**{**raw, "figures": {key: Figure(**figure) for key, figure in raw["figures"].items()}})


def _rounded(value: Any) -> Any:
    # More digits would only make the differences between two runs hard to read.
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
