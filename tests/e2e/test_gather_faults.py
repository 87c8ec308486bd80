"""What an upstream in trouble costs: the answers of `/api/gather/`, and what the upstream itself counts.

Faults are the whole stack's, so these tests are one group with `test_gather.py`. The api has several processes, each of
which learns for itself, so bounds are those of one process times their number.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.e2e.recording import poll
from tests.e2e.upstream import RESOURCES, faults, whole

pytestmark = pytest.mark.xdist_group("upstream")

# More than any stack here has.
PROCESSES = 8
FAILS = {"error_rate": 1, "error_status": 503}
HANGS = {"hang_rate": 1}


@pytest.fixture(autouse=True)
async def sound_upstream(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> AsyncIterator[None]:
    """No fault and no count of before; and whoever comes next finds no breaker open."""
    assert (await upstream_client.delete("/faults")).status_code == 200
    await whole(anyone)
    assert (await upstream_client.delete("/counters")).status_code == 200
    yield
    await closed(anyone)


async def closed(anyone: httpx.AsyncClient) -> None:
    """Wait until no process keeps anybody from the upstream."""

    async def ask() -> bool | None:
        answers = [await leg(anyone, "fresh,stale,single_flight") for _ in range(2 * PROCESSES)]
        return True if {answer["status"] for answer in answers} == {"ok"} else None

    await poll(ask, "closed breakers")


async def leg(anyone: httpx.AsyncClient, without: str = "", limit: int = 10) -> dict[str, Any]:
    """What became of the orders."""
    answer = await anyone.get("/api/gather/", params={"without": without, "limit": limit})
    found: dict[str, Any] = answer.json()["meta"]["legs"]["orders"]
    return found


async def asked(upstream_client: httpx.AsyncClient) -> int:
    """How often the upstream was asked for orders."""
    return int((await upstream_client.get("/counters")).json()["orders"]["requests"])


@pytest.mark.parametrize("fault", [FAILS, HANGS], ids=["fails", "hangs"])
async def test_the_last_good_rows_serve(
    anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient, fault: dict[str, Any]
) -> None:
    """Marked as stale, with their age, in a whole answer; by every process, also those that never had them."""
    rows = (await anyone.get("/api/gather/", params={"limit": 7})).json()["orders"]

    async def is_stale() -> dict[str, Any] | None:
        body = (await anyone.get("/api/gather/", params={"limit": 7})).json()
        return body if body["meta"]["legs"]["orders"]["status"] == "stale" else None

    async with faults(upstream_client, {"orders": fault}):
        body = await poll(is_stale, "stale orders")
        assert (body["orders"], body["meta"]["partial"]) == (rows, False)
        found = body["meta"]["legs"]["orders"]
        assert found["age"] > 0
        assert found["source"] in {"memory", "redis"}
        answers = await asyncio.gather(*(leg(anyone, "fresh", 7) for _ in range(2 * PROCESSES)))
        assert {answer["status"] for answer in answers} == {"stale"}


async def test_a_fresh_answer_serves_many(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """A herd of three hundred is a few calls, not hundreds."""

    async def have_copies() -> bool | None:
        return not (await anyone.get("/api/gather/", params={"limit": 5})).json()["meta"]["partial"] or None

    await poll(have_copies, "whole answer")
    await upstream_client.delete("/counters")
    async with faults(upstream_client, {name: {"latency": {"kind": "fixed", "ms": 100}} for name in RESOURCES}):
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=anyone.base_url, limits=limits, timeout=60) as herd:
            answers = await asyncio.gather(*(herd.get("/api/gather/", params={"limit": 5}) for _ in range(300)))
    # On a slow machine some run out of time; that makes no calls.
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert any(answer.status_code == 200 and not answer.json()["meta"]["partial"] for answer in answers)
    assert await asked(upstream_client) < 100


async def test_a_failing_upstream_is_left_alone(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """After a while it is not asked any more, and the answers say so; once it is well, it is asked again."""
    without = "fresh,stale,single_flight"

    async def is_open() -> bool | None:
        found = await asyncio.gather(*(leg(anyone, without) for _ in range(20)))
        return True if {one["status"] for one in found} == {"open"} else None

    async with faults(upstream_client, {"orders": FAILS}):
        await poll(is_open, "open breakers")
        assert (await leg(anyone, without))["attempts"] == 0
    await closed(anyone)


async def test_retries_are_few(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """Where everything fails the upstream gets a tenth more, and what quiet times have saved up."""
    async with faults(upstream_client, {"orders": FAILS}):
        for _ in range(20):
            await asyncio.gather(*(leg(anyone, "fresh,stale,single_flight,breaker") for _ in range(20)))
        assert 400 <= await asked(upstream_client) <= 400 * 1.1 + 10 * PROCESSES


async def test_the_deadline_is_kept(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """A leg that hangs is given up, and a caller in a hurry is told sooner."""

    async def ask() -> httpx.Response | None:
        answer = await anyone.get(
            "/api/gather/", params={"without": "fresh,stale,breaker"}, headers={"X-Deadline-Ms": "300"}
        )
        # On a slow machine the other legs may run out of time as well.
        return answer if answer.json()["meta"]["legs"]["users"]["status"] == "ok" else None

    async with faults(upstream_client, {"orders": HANGS}):
        answer = await poll(ask, "answer of the other legs")
    meta = answer.json()["meta"]
    assert (answer.status_code, meta["partial"], meta["deadline_ms"]) == (200, True, 300)
    assert meta["legs"]["orders"]["status"] == "timeout"


async def test_a_mechanism_that_there_is_not(anyone: httpx.AsyncClient) -> None:
    """400, and what there is."""
    answer = await anyone.get("/api/gather/", params={"without": "luck"})
    assert answer.status_code == 400
    assert "hedge" in answer.json()["error"]
