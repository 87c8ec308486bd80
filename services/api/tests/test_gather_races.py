"""Crowds, clients that go away, upstreams that die: what is left of them afterwards is nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest
import pytest_asyncio

from api.asgi import application
from api.gather.legs import upstreams
from chassis.http_client import client as http_client
from testing.waiting import eventually

from .aborting import AbortableRequest
from .upstream import LEGS, Upstream, holding, running

pytestmark = pytest.mark.slow

ALL_HANG = {name: {"hang_rate": 1} for name in LEGS}
EACH_FOR_ITSELF = ["single_flight", "fresh", "stale"]


def acquired() -> int:
    """Connections to any upstream that some request holds."""
    connector = http_client().connector
    assert isinstance(connector, aiohttp.TCPConnector)
    return len(connector._acquired)


def at_rest() -> bool:
    """No call, no request, nobody inside or waiting."""
    return acquired() == 0 and all(
        (upstream.in_flight(), upstream.bulkhead.inside, upstream.bulkhead.waiting) == (0, 0, 0)
        for upstream in upstreams().values()
    )


@pytest_asyncio.fixture
async def nothing_left(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """After the test there are no more tasks than before, and no connection is held."""
    before = len(asyncio.all_tasks())
    yield
    await eventually(at_rest, what="no call and no connection is held")
    await eventually(lambda: len(asyncio.all_tasks()) <= before, what="no task is left")


@pytest.mark.timeout(180)
async def test_5000_gathers_are_cancelled_in_flight(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any, nothing_left: None
) -> None:
    """Their clients went while they had asked or waited for a place: the next hundred are all complete."""
    settings.GATHER_WITHOUT = EACH_FOR_ITSELF
    settings.GATHER_CONCURRENCY, settings.GATHER_LINE = 32, 500
    await upstream.fault(**ALL_HANG)
    for _ in range(10):
        crowd = [AbortableRequest(application, "/api/gather/") for _ in range(500)]
        # All that may ask at once, of three upstreams; the others wait for a place.
        await upstream.reaches(in_flight=3 * 32)
        for request in crowd:
            request.leave()
        await asyncio.gather(*(request.finished() for request in crowd))
        await upstream.reaches(in_flight=0)
    await upstream.reset()
    responses = [await client.get("/api/gather/") for _ in range(100)]
    assert [response.status_code for response in responses] == [200] * 100
    assert not any(response.json()["meta"]["partial"] for response in responses)
    assert {upstream.breaker.state for upstream in upstreams().values()} == {"closed"}


def who_wait() -> list[int]:
    """How many wait for each call that is in flight."""
    return [flight.waiting for upstream in upstreams().values() for flight in upstream._flights._flights.values()]


async def test_a_herd_asks_three_times(client: httpx.AsyncClient, settings: Any, nothing_left: None) -> None:
    """A thousand who ask for the same at once are three upstream calls, and all of them get the whole answer."""
    async with holding() as upstream:
        settings.UPSTREAM_URL = upstream.url
        herd = [asyncio.ensure_future(client.get("/api/gather/?limit=3")) for _ in range(1000)]
        await eventually(lambda: who_wait() == [1000] * 3, what="all of them wait")
        upstream.released.set()
        responses = await asyncio.gather(*herd)
        assert upstream.requests == 3
    assert {response.status_code for response in responses} == {200}
    assert not any(response.json()["meta"]["partial"] for response in responses)


async def test_half_of_the_herd_goes(client: httpx.AsyncClient, settings: Any, nothing_left: None) -> None:
    """Whoever asked first among them: the others still get their answer, from the same three calls."""
    async with holding() as upstream:
        settings.UPSTREAM_URL = upstream.url
        leaving = [AbortableRequest(application, "/api/gather/?limit=3") for _ in range(50)]
        await eventually(lambda: who_wait() == [50] * 3, what="they wait")
        staying = [asyncio.ensure_future(client.get("/api/gather/?limit=3")) for _ in range(50)]
        await eventually(lambda: who_wait() == [100] * 3, what="all of them wait")
        for request in leaving:
            request.leave()
        await asyncio.gather(*(request.finished() for request in leaving))
        assert who_wait() == [50] * 3
        upstream.released.set()
        responses = await asyncio.gather(*staying)
        assert upstream.requests == 3
    assert not any(response.json()["meta"]["partial"] for response in responses)


async def test_hedges_of_clients_that_go(
    upstream: Upstream, client: httpx.AsyncClient, settings: Any, nothing_left: None
) -> None:
    """Both requests of a leg end with its client."""
    settings.GATHER_WITHOUT = [*EACH_FOR_ITSELF, "budget"]
    for _ in range(30):
        await client.get("/api/gather/?limit=1")
    await upstream.reset()
    await upstream.fault(**ALL_HANG)
    crowd = [AbortableRequest(application, "/api/gather/") for _ in range(10)]
    await upstream.reaches(in_flight=60)
    for request in crowd:
        request.leave()
    await asyncio.gather(*(request.finished() for request in crowd))
    await upstream.reaches(in_flight=0)


async def test_connections_are_used_again(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any, nothing_left: None
) -> None:
    """A hundred gathers, one after the other, take three connections: as many as are needed at once."""
    settings.GATHER_WITHOUT = [*EACH_FOR_ITSELF, "hedge"]
    for _ in range(100):
        assert not (await client.get("/api/gather/?limit=1")).json()["meta"]["partial"]
    counters = await upstream.counters()
    assert counters["requests"] == 300
    assert counters["connections"] <= 3


async def test_the_pool_never_decides(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any, nothing_left: None
) -> None:
    """Two upstreams that hang in every place they have leave the third all of its own."""
    settings.GATHER_WITHOUT = [*EACH_FOR_ITSELF, "breaker"]
    settings.GATHER_CONCURRENCY, settings.GATHER_LINE = 32, 58
    await upstream.fault(users=ALL_HANG["users"], products=ALL_HANG["products"])
    stuck = [AbortableRequest(application, "/api/gather/") for _ in range(90)]
    hung = [upstreams()[name].bulkhead for name in ("users", "products")]
    # In flight, in line, and none of them asks for orders any more.
    await upstream.reaches(in_flight=64)
    await eventually(lambda: [bulkhead.waiting for bulkhead in hung] == [58, 58], what="both lines are full")
    await eventually(lambda: upstreams()["orders"].bulkhead.inside == 0, what="the third is free")
    response = await client.get("/api/gather/")
    legs = response.json()["meta"]["legs"]
    assert (legs["orders"]["status"], legs["users"]["status"]) == ("ok", "rejected")
    for request in stuck:
        request.leave()
    await asyncio.gather(*(request.finished() for request in stuck))


async def test_the_upstream_restarts(client: httpx.AsyncClient, settings: Any, nothing_left: None) -> None:
    """Killed with requests in flight and back on the same port: no failure is left, and no connection of before."""
    settings.GATHER_WITHOUT = EACH_FOR_ITSELF
    with running() as first:
        settings.UPSTREAM_URL = first.url
        assert (await client.get("/api/gather/")).json()["meta"]["partial"] is False
        await first.fault(**ALL_HANG)
        waiting = [asyncio.ensure_future(client.get("/api/gather/")) for _ in range(5)]
        await first.reaches(in_flight=15)
        first.kill()
        failed = await asyncio.gather(*waiting)
    assert {response.status_code for response in failed} == {503}
    assert {leg["status"] for leg in failed[0].json()["meta"]["legs"].values()} <= {"error", "open"}
    upstreams.cache_clear()
    with running(first.port):
        responses = await asyncio.gather(*(client.get("/api/gather/") for _ in range(20)))
    assert not any(response.json()["meta"]["partial"] for response in responses)


async def test_an_idle_connection_that_was_closed(client: httpx.AsyncClient, settings: Any, nothing_left: None) -> None:
    """The upstream went and came back while nobody asked: the next answer is whole at once."""
    settings.GATHER_WITHOUT = EACH_FOR_ITSELF
    with running() as first:
        settings.UPSTREAM_URL = first.url
        await client.get("/api/gather/")
        first.kill()
    with running(first.port):
        assert (await client.get("/api/gather/")).json()["meta"]["partial"] is False
