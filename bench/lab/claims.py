"""What the gather promises, and whether the laboratory saw it."""

from collections.abc import Mapping

from bench.results import Table, Verdict


def claims(tables: Mapping[str, Table]) -> list[tuple[str, Verdict]]:
    """Each with the name of its scenario; those of scenarios that were not run are not measured."""
    asks, stale = "asks every time", "asks every time, or stale"
    healthy, tail = tables.get("healthy"), tables.get("tail")
    ratio = None
    if healthy is not None and tail is not None:
        ratio = _quotient(tail.median(asks, "p99_ms"), healthy.median(asks, "p99_ms"))
    late = "hang: milliseconds that the slowest answer is later than its deadline"
    return [
        *(
            ("hang", Verdict(f"{late}, {variant}", 20, _of(tables, "hang", variant, "over_ms")))
            for variant in ("all on", "without stale", "without stale, breaker", "without stale, breaker, timeout")
        ),
        ("hang", Verdict("hang: failed answers, %", 0, _of(tables, "hang", "without stale", "failed"), exact=True)),
        ("tail", Verdict("tail: p99 with hedging / p99 where all is well", 1.3, ratio)),
        ("tail", Verdict("tail: requests with hedging / without", 1.06, _of(tables, "tail", asks, "load"))),
        (
            "outage",
            Verdict(
                "outage: attempts / those of a normal time",
                1.1,
                _of(tables, "outage", stale, "load"),
            ),
        ),
        ("outage", Verdict("outage: answers that are not whole, %", 0, _missing(tables), exact=True)),
        ("herd", Verdict("herd: calls of each upstream", 1, _of(tables, "herd", "all on", "requests"), exact=True)),
    ]


def _of(tables: Mapping[str, Table], scenario: str, variant: str, metric: str) -> float | None:
    table = tables.get(scenario)
    return None if table is None else table.median(variant, metric)


def _missing(tables: Mapping[str, Table]) -> float | None:
    success = _of(tables, "outage", "asks every time, or stale", "success")
    return None if success is None else 100 - success


def _quotient(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
