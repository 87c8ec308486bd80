"""Users, products and orders at once: each leg ends in time and none can fail another."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from api.gather.schemas import GatherMeta, LegMeta, Status
from api.gather.upstream import Row, UpstreamFailed, UpstreamTimedOut, fetch
from chassis.single_flight import SingleFlight

logger = structlog.get_logger(__name__)

RESOURCES = ("users", "products", "orders")


@dataclass(frozen=True, slots=True)
class Leg:
    """The outcome of one leg; `rows` is empty unless its status is `ok`."""

    meta: LegMeta
    rows: list[Row] = field(default_factory=list)


type Outcome = tuple[dict[str, Leg], GatherMeta]

_flights: SingleFlight[int, Outcome] = SingleFlight()


async def run_legs(limit: int) -> Outcome:
    """All legs by name, and what became of them, after `GATHER_LEG_TIMEOUT` seconds at most.

    Where `GATHER_COALESCE` is set, all who ask for the same while it is fetched get that.
    """
    if settings.GATHER_COALESCE:
        return await _flights.ask(limit, lambda: _run_legs(limit))
    return await _run_legs(limit)


async def _run_legs(limit: int) -> Outcome:
    started = time.perf_counter()
    deadline: float = settings.GATHER_LEG_TIMEOUT
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(_leg(name, limit, deadline)) for name in RESOURCES}
    legs = {name: task.result() for name, task in tasks.items()}
    return legs, GatherMeta(
        partial=any(leg.meta.status != "ok" for leg in legs.values()),
        ms=_ms(started),
        deadline_ms=deadline * 1000,
        legs={name: leg.meta for name, leg in legs.items()},
        without=[],
    )


async def _leg(name: str, limit: int, deadline: float) -> Leg:
    started = time.perf_counter()
    try:
        answer = await fetch(name, limit, deadline)
    except UpstreamFailed as error:
        status: Status = "timeout" if isinstance(error, UpstreamTimedOut) else "error"
        logger.warning("gather.leg_failed", leg=name, status=status, reason=error.reason)
        return Leg(LegMeta(status, _ms(started), 1, False, None, None, error.reason))
    return Leg(LegMeta("ok", _ms(started), 1, False, "upstream", 0.0), answer.rows)


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
