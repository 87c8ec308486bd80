"""Users, products and orders at once: each leg ends in time and none can fail another."""

import time
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from api.gather.resources import RESOURCES
from api.gather.schemas import GatherMeta, LegMeta, RequestMeta
from api.gather.upstream import Answer, Row, address, make, passed_on
from chassis.upstream import Deadline, Outcome, Sent, Switches, Upstream, collect, spans

_SECONDS = 3


@dataclass(slots=True)
class Gather:
    """Rows by resource, empty where there are none, and what became of each leg.

    `missing`: the legs without rows. `retry_after`: seconds after which those may be worth asking for again.
    """

    rows: dict[str, list[Row]]
    meta: GatherMeta
    missing: list[str]
    retry_after: float


@cache
def upstreams() -> dict[str, Upstream[Answer]]:
    """The client of each leg: one a process, as they learn from every call."""
    return {name: make(name) for name in RESOURCES}


async def gather(limit: int, switches: Switches, within: float | None, *, trace: bool = False) -> Gather:
    """All legs, `limit` rows of each, after `GATHER_DEADLINE_MS` at most, or `within` seconds where that is less."""
    started = time.perf_counter()
    budget = settings.GATHER_DEADLINE_MS / 1000
    hurried = within is not None and within < budget
    if within is not None and hurried:
        budget = within
    deadline = Deadline.after(budget)
    base, headers = settings.UPSTREAM_URL, passed_on()
    with spans.span("gather", {"millrace.limit": limit}):
        legs = {
            name: upstream.start(
                address(base, name, limit), deadline=deadline, switches=switches, headers=headers, hurried=hurried
            )
            for name, upstream in upstreams().items()
        }
        outcomes = await collect(legs, budget if switches.deadline else None)
    meta = GatherMeta(
        partial=any(outcome.value is None for outcome in outcomes.values()),
        ms=round((time.perf_counter() - started) * 1000, 2),
        deadline_ms=round(budget * 1000),
        legs={name: _leg(outcome, trace=trace) for name, outcome in outcomes.items()},
        without=switches.without,
    )
    return _gathered(outcomes, meta)


def _gathered(outcomes: dict[str, Outcome[Answer]], meta: GatherMeta) -> Gather:
    missing = [name for name, outcome in outcomes.items() if outcome.value is None]
    rows = {name: [] if outcome.value is None else outcome.value.rows for name, outcome in outcomes.items()}
    return Gather(rows, meta, missing, max((outcomes[name].retry_after for name in missing), default=0.0))


def _leg(outcome: Outcome[Answer], *, trace: bool) -> LegMeta:
    return LegMeta(
        status=outcome.status,
        ms=round(outcome.seconds * 1000, 2),
        attempts=outcome.attempts,
        hedged=outcome.hedged,
        source=outcome.source,
        age=None if outcome.age is None else round(outcome.age, _SECONDS),
        error=outcome.reason,
        requests=[_request(sent) for sent in outcome.requests] if trace else None,
    )


def _request(sent: Sent) -> RequestMeta:
    return RequestMeta(sent.kind, round(sent.at * 1000, 2), round(sent.seconds * 1000, 2), sent.ended)
