"""One upstream call, awaited and through `async_to_sync`."""

import asyncio
from typing import Any

import httpx
import pytest

from api.tour import external
from chassis.testing import DEADLINE

from .upstream import Upstream

WAYS = {"external": "await", "external/sync": "async_to_sync"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A healthy upstream may take longer than any busy machine needs."""
    monkeypatch.setattr(external, "TIMEOUT", DEADLINE)


@pytest.mark.parametrize("view", WAYS)
async def test_answers(client: httpx.AsyncClient, upstream: Upstream, view: str) -> None:
    """Both ways give the upstream's first user."""
    response = await client.get(f"/api/{view}/")
    body = response.json()
    assert (response.status_code, body["via"], body["total"]) == (200, WAYS[view], 300)
    assert [user["id"] for user in body["users"]] == [1]


async def test_both_ways_share_one_loop(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """`async_to_sync` runs the coroutine on the loop that owns the HTTP client: one connection serves all calls."""
    for view in [*WAYS, *WAYS]:
        assert (await client.get(f"/api/{view}/")).status_code == 200
    counters = await upstream.counters()
    assert (counters["requests"], counters["connections"]) == (4, 1)


@pytest.mark.parametrize("view", WAYS)
async def test_upstream_fails(client: httpx.AsyncClient, upstream: Upstream, view: str) -> None:
    """An error of the upstream is 502 with its kind."""
    await upstream.fault(users={"error_rate": 1, "error_status": 500})
    response = await client.get(f"/api/{view}/")
    assert (response.status_code, response.json()) == (502, {"error": "Upstream failed", "reason": "status 500"})


@pytest.mark.parametrize("view", WAYS)
async def test_upstream_down(client: httpx.AsyncClient, settings: Any, unused_url: str, view: str) -> None:
    """Where nobody listens it is 502, and the address stays inside."""
    settings.UPSTREAM_URL = unused_url
    response = await client.get(f"/api/{view}/")
    assert (response.status_code, response.json()) == (502, {"error": "Upstream failed", "reason": "connection failed"})


async def test_upstream_hangs(client: httpx.AsyncClient, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upstream that does not answer is 504; without a bound this test would end by its own timeout."""
    monkeypatch.setattr(external, "TIMEOUT", 0.3)
    await upstream.fault(users={"hang_rate": 1})
    async with asyncio.timeout(DEADLINE):
        responses = await asyncio.gather(*(client.get(f"/api/{view}/") for view in WAYS))
    assert [(response.status_code, response.json()["error"]) for response in responses] == [
        (504, "Upstream timed out"),
        (504, "Upstream timed out"),
    ]
