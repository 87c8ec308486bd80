"""The figures of each scenario's last run on this machine: a run of some scenarios is judged together with them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import CACHE
from bench.figures import Figure
from bench.results import Metric, Row, Table

FOLDER = CACHE / "lab"


def save(table: Table, folder: Path = FOLDER) -> None:
    """Keep it, in place of the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{table.name}.json").write_text(json.dumps(asdict(table), indent=1))


def load(folder: Path = FOLDER) -> Mapping[str, Table]:
    """All that there are, by the name of their scenario."""
    return {path.stem: _table(json.loads(path.read_text())) for path in folder.glob("*.json")}


def _table(found: dict[str, Any]) -> Table:
    rows = [
        Row(**{**row, "figures": {key: Figure(**figure) for key, figure in row["figures"].items()}})
        for row in found["rows"]
    ]
    metrics = tuple(Metric(**metric) for metric in found["metrics"])
    return Table(found["name"], found["title"], metrics, rows)
