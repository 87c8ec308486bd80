"""What was measured of the pages, printed at the end of a run."""

from typing import Any

TABLE: list[str] = []


def record(path: str, look: str, measured: dict[str, Any]) -> None:
    """Keep a line for the summary."""
    paint = "none" if measured["paint"] is None else f"{measured['paint']:.0f} ms"
    size = f"{measured['bytes'] / 1000:.1f} kB"
    TABLE.append(f"{path:<18} {look:<12} {size:>9}, first paint {paint:>7}, shift {measured['shift']:.4f}")
