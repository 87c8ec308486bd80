"""`/api/gather/` and `/api/external/`: upstream calls that may fail.

Faults are the whole stack's, so these tests are one group where tests run in several processes.
"""

import asyncio
import time
from typing import Any

import httpx
import pytest
from tests.e2e.recording import poll
from tests.e2e.upstream import NOW, RESOURCES, faults, whole

pytestmark = [pytest.mark.usefixtures("sound_upstream"), pytest.mark.xdist_group("upstream")]

LATENCY_MS = 50
HANGS = {"hang_rate": 1}
FAILS = {"error_rate": 1, "error_status": 500}


@pytest.fixture(autouse=True)
async def sound_upstream(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """No fault that an earlier run left behind."""
    assert (await upstream_client.delete("/faults")).status_code == 200
    await whole(anyone)


@pytest.mark.smoke
async def test_all_three_at_once(anyone: httpx.AsyncClient) -> None:
    """Users, products and orders, and what became of each leg."""
    answer = await anyone.get("/api/gather/")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {*RESOURCES, "meta"}
    assert {len(body[name]) for name in RESOURCES} == {10}
    assert {body[name][0]["id"] for name in RESOURCES} == {1}
    assert body["meta"]["partial"] is False
    assert {name: leg["status"] for name, leg in body["meta"]["legs"].items()} == dict.fromkeys(RESOURCES, "ok")


async def answered(client: httpx.AsyncClient, legs: dict[str, str], **options: Any) -> httpx.Response:
    """The first answer whose legs are these: a leg that is well may run out of time on a slow machine."""

    async def ask() -> httpx.Response | None:
        answer = await client.get("/api/gather/", params=NOW, **options)
        found = {name: leg["status"] for name, leg in answer.json()["meta"]["legs"].items()}
        return answer if found == legs else None

    return await poll(ask, f"answer with {legs}")


async def test_as_many_rows_as_asked_for(anyone: httpx.AsyncClient) -> None:
    """`?limit=` is passed on to every leg."""
    body = (await anyone.get("/api/gather/", params={"limit": 300})).json()
    assert {len(body[name]) for name in RESOURCES} == {300}


@pytest.mark.parametrize("broken", RESOURCES)
@pytest.mark.parametrize(
    ("fault", "status"),
    [(FAILS, "error"), (HANGS, "timeout"), ({"reset_rate": 1}, "error"), ({"truncate_rate": 1}, "error")],
    ids=["status", "hang", "reset", "truncate"],
)
async def test_a_broken_leg_leaves_the_others(
    anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient, broken: str, fault: dict[str, Any], status: str
) -> None:
    """One leg fails in any way: its list is empty, `meta` says why, the other two are complete."""
    async with faults(upstream_client, {broken: fault}):
        answer = await answered(anyone, {name: status if name == broken else "ok" for name in RESOURCES})
    assert answer.status_code == 200
    body = answer.json()
    assert body["meta"]["partial"] is True
    assert {name: len(body[name]) for name in RESOURCES} == {name: 0 if name == broken else 10 for name in RESOURCES}
    assert body["meta"]["legs"][broken]["error"]


async def test_no_leg_at_all_is_unavailable(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """Where all three fail there is nothing to show: 503 with the same meta."""
    async with faults(upstream_client, {"*": FAILS}):
        answer = await answered(anyone, dict.fromkeys(RESOURCES, "error"))
    assert answer.status_code == 503
    assert answer.json()["error"]
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_slow_leg_is_waited_for_within_the_deadline(
    anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient
) -> None:
    """An upstream that is slow, but not too slow, is no fault."""
    async with faults(upstream_client, {"orders": {"latency": {"kind": "fixed", "ms": 150}}}):
        body = (await answered(anyone, dict.fromkeys(RESOURCES, "ok"))).json()
    assert body["meta"]["partial"] is False
    assert body["meta"]["legs"]["orders"]["ms"] >= 150


async def test_it_recovers(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """When the faults end, the next answers are whole: nothing stays broken behind them."""
    async with faults(upstream_client, {"*": {"reset_rate": 0.5, "hang_rate": 0.5}}):
        await asyncio.gather(*(anyone.get("/api/gather/", params=NOW) for _ in range(10)))
    for _ in range(5):
        await whole(anyone)


async def test_callers_who_leave_break_nothing(anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient) -> None:
    """Callers who give up while the upstream hangs leave no connection behind that the next ones wait for."""
    async with faults(upstream_client, {"*": HANGS}):
        leavers = [asyncio.create_task(anyone.get("/api/gather/", params=NOW, timeout=0.2)) for _ in range(60)]
        gone = await asyncio.gather(*leavers, return_exceptions=True)
    assert {type(outcome) for outcome in gone} <= {httpx.ReadTimeout, httpx.PoolTimeout, httpx.ConnectTimeout}
    answers = await asyncio.gather(*(anyone.get("/api/gather/") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    await whole(anyone)


WAYS = [("/api/external/", "await"), ("/api/external/sync/", "async_to_sync")]


@pytest.mark.smoke
@pytest.mark.parametrize(("path", "via"), WAYS)
async def test_one_upstream_call(
    anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient, path: str, via: str
) -> None:
    """The same coroutine from an async and from a sync view gives the same rows, and says how long they took."""
    started = time.perf_counter()
    async with faults(upstream_client, {"users": {"latency": {"kind": "fixed", "ms": LATENCY_MS}}}):
        answer = await anyone.get(path)
    elapsed = (time.perf_counter() - started) * 1000
    assert answer.status_code == 200
    body = answer.json()
    assert (body["via"], body["total"]) == (via, 300)
    assert body["users"][0]["id"] == 1
    # Not all of it: a timer may be a little early.
    assert 0.9 * LATENCY_MS <= body["ms"] < elapsed


@pytest.mark.smoke
async def test_three_upstream_calls_by_httpx(anyone: httpx.AsyncClient) -> None:
    """The form of the tutorial: one object with the three keys and no other."""
    answer = await anyone.get("/api/external/gather/")
    assert answer.status_code == 200
    assert {name: len(rows) for name, rows in answer.json().items()} == {"users": 10, "products": 10, "orders": 10}


@pytest.mark.parametrize(("path", "via"), WAYS)
@pytest.mark.parametrize(("fault", "status"), [(FAILS, 502), (HANGS, 504)], ids=["fails", "hangs"])
async def test_an_upstream_that_fails_is_told(
    anyone: httpx.AsyncClient, upstream_client: httpx.AsyncClient, path: str, via: str, fault: Any, status: int
) -> None:
    """502 where the upstream fails and 504 where it does not answer, without its address."""
    async with faults(upstream_client, {"users": fault}):
        answer = await anyone.get(path)
    assert answer.status_code == status, via
    assert answer.json()["error"]
    assert "http" not in answer.text
