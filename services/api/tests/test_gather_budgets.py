"""What is sent to an upstream in trouble: few retries, few hedges, and next to nothing once its breaker is open."""

import asyncio
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from api.gather.legs import upstreams
from testing.waiting import eventually

from .upstream import LEGS, Upstream, holding, impatient

BUSY = {"error_rate": 1, "error_status": 503}
# All but what is under test, so that every request asks.
BARE = ["single_flight", "fresh", "stale", "bulkhead", "hedge", "breaker"]


async def ask(client: httpx.AsyncClient, times: int, at_once: int = 10) -> list[dict[str, Any]]:
    """What became of the orders in so many gathers."""
    found = []
    for _ in range(times // at_once):
        responses = await asyncio.gather(*(client.get("/api/gather/?limit=1") for _ in range(at_once)))
        found += [response.json()["meta"]["legs"]["orders"] for response in responses]
    return found


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def orders(upstream: Upstream) -> int:
    """How often the upstream was asked for them."""
    return int((await upstream.counters("orders"))["requests"])


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_passing_failure_is_tried_again(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any, status: int
) -> None:
    """Three attempts at most; each reaches the upstream."""
    settings.GATHER_WITHOUT = BARE
    await upstream.fault(orders={"error_rate": 1, "error_status": status})
    (leg,) = await ask(client, 1, 1)
    assert (leg["status"], leg["attempts"], leg["error"]) == ("error", 3, f"status {status}")
    assert await orders(upstream) == 3


async def test_a_retry_may_succeed(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """Then nothing is missing, and the meta data say that it took more than one attempt."""
    settings.GATHER_WITHOUT = [*BARE, "budget"]
    await upstream.fault(orders={"error_rate": 0.3, "seed": 5})
    found = await ask(client, 30)
    assert any(leg["status"] == "ok" and leg["attempts"] > 1 for leg in found)
    assert await orders(upstream) == sum(leg["attempts"] for leg in found)


@pytest.mark.parametrize(
    "fault",
    [
        {"error_rate": 1, "error_status": 500},
        {"error_rate": 1, "error_status": 429},
        {"truncate_rate": 1},
    ],
)
async def test_a_lasting_failure_is_not_tried_again(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any, fault: dict[str, Any]
) -> None:
    """An answer that is an answer, or half of one, would come again."""
    settings.GATHER_WITHOUT = BARE
    await upstream.fault(orders=fault)
    assert [leg["attempts"] for leg in await ask(client, 1, 1)] == [1]
    assert await orders(upstream) == 1


async def test_a_retry_storm_is_bounded(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """200 gathers while everything fails: a tenth more requests, and the ten that a quiet time may have saved up."""
    settings.GATHER_WITHOUT = BARE
    await upstream.fault(orders=BUSY)
    found = await ask(client, 200)
    assert {leg["status"] for leg in found} == {"error"}
    asked = await orders(upstream)
    assert asked == sum(leg["attempts"] for leg in found)
    assert 200 < asked <= 200 * 1.1 + 10


async def test_without_a_budget_it_is_a_storm(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """Three times the load, just when the upstream has trouble: this is what the budget is for."""
    settings.GATHER_WITHOUT = [*BARE, "budget"]
    await upstream.fault(orders=BUSY)
    await ask(client, 50)
    assert await orders(upstream) == 150


async def test_without_retries_there_are_none(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """One attempt each."""
    settings.GATHER_WITHOUT = [*BARE, "retry"]
    await upstream.fault(orders=BUSY)
    assert {leg["attempts"] for leg in await ask(client, 20)} == {1}


async def test_the_breaker_opens_and_closes(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """A failing upstream is asked until that is clear, then by probes only; once it is well, by everybody again."""
    settings.GATHER_WITHOUT = [name for name in BARE if name != "breaker"]
    await upstream.fault(orders=BUSY)
    breaker = upstreams()["orders"].breaker
    breaker._clock = clock = Clock()
    found = await ask(client, 100)
    assert {leg["status"] for leg in found} == {"error", "open"}
    assert await orders(upstream) < 50
    # The budget of retries was not what kept them away.
    assert sum(leg["attempts"] == 0 for leg in found) > 50
    asked = await orders(upstream)
    clock.now += settings.GATHER_BREAKER_SECONDS
    await ask(client, 20)
    assert breaker.state == "open"
    assert 1 <= await orders(upstream) - asked <= 3
    await upstream.fault()
    clock.now += settings.GATHER_BREAKER_SECONDS
    assert [(await ask(client, 1, 1))[0]["status"] for _ in range(3)] == ["ok"] * 3
    assert upstreams()["orders"].breaker.state == "closed"
    assert {leg["status"] for leg in await ask(client, 20)} == {"ok"}


async def test_timeouts_open_it_too(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """An upstream that hangs takes the time of those who ask before that is clear, and of nobody else."""
    settings.GATHER_WITHOUT = [name for name in BARE if name != "breaker"]
    settings.GATHER_BREAKER_SECONDS = 3600
    impatient("orders", 0.2)
    await upstream.fault(orders={"hang_rate": 1})
    await ask(client, 30, 30)
    assert upstreams()["orders"].breaker.state == "open"
    assert {leg["status"] for leg in await ask(client, 30, 30)} == {"open"}


async def test_a_caller_in_a_hurry_does_not_open_it(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any
) -> None:
    """Nobody shuts an upstream for all others by giving it no time."""
    settings.GATHER_WITHOUT = [name for name in BARE if name != "breaker"]
    await upstream.fault(orders={"hang_rate": 1})
    hurry = [client.get("/api/gather/", headers={"X-Deadline-Ms": "60"}) for _ in range(60)]
    found = [response.json()["meta"]["legs"]["orders"]["status"] for response in await asyncio.gather(*hurry)]
    assert set(found) == {"timeout"}
    assert upstreams()["orders"].breaker.state == "closed"
    await upstream.fault()
    assert (await ask(client, 1, 1))[0]["status"] == "ok"


async def test_a_request_that_is_wrong_does_not_open_it(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any
) -> None:
    """A 4xx is an answer: the upstream is well."""
    settings.GATHER_WITHOUT = [name for name in BARE if name != "breaker"]
    await upstream.fault(orders={"error_rate": 1, "error_status": 404})
    assert {leg["status"] for leg in await ask(client, 50)} == {"error"}
    assert upstreams()["orders"].breaker.state == "closed"


def refused(kind: str) -> float:
    """Hedges, or retries, that the budget did not allow so far."""
    return REGISTRY.get_sample_value("millrace_upstream_refused_total", {"upstream": "orders", "kind": kind}) or 0


def knows_its_upstreams() -> None:
    """The client has seen answers of 20 ms, and has earned some hedges, as after sixty calls."""
    for upstream in upstreams().values():
        for _ in range(60):
            upstream.latencies.add(0.02)
            upstream.hedges.deposit()


async def test_a_slow_answer_is_hedged(client: httpx.AsyncClient, settings: Any) -> None:
    """A second request goes out, its answer is the answer, and the first is given up."""
    settings.GATHER_WITHOUT = ["single_flight", "fresh", "stale"]
    knows_its_upstreams()
    async with holding(1) as upstream:
        settings.UPSTREAM_URL = upstream.url
        (leg,) = await ask(client, 1, 1)
        assert (leg["status"], leg["attempts"], leg["hedged"], leg["source"]) == ("ok", 2, True, "upstream")
        await eventually(lambda: upstream.given_up == len(LEGS), what="the first requests are given up")
    assert upstream.requests == 2 * len(LEGS)


async def test_hedges_are_bounded(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """Where everything has become slow, twenty requests earn one hedge; the load grows by a twentieth, not twofold."""
    settings.GATHER_WITHOUT = ["single_flight", "fresh", "stale"]
    knows_its_upstreams()
    before = refused("hedge")
    saved = upstreams()["orders"].hedges.tokens
    await upstream.fault(orders={"latency": {"kind": "fixed", "ms": 250}})
    found = await ask(client, 100, 20)
    hedges = sum(leg["hedged"] for leg in found)
    assert hedges <= 100 * 0.05 + saved + 1
    # One whose first answer came just then has not arrived.
    assert 100 < await orders(upstream) <= 100 + hedges
    assert refused("hedge") > before


async def test_nobody_hedges_without_experience(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """What slow is, is not known before there were some answers."""
    settings.GATHER_WITHOUT = ["single_flight", "fresh", "stale"]
    await upstream.fault(orders={"latency": {"kind": "fixed", "ms": 100}})
    assert not any(leg["hedged"] for leg in await ask(client, 10))
    assert await orders(upstream) == 10
