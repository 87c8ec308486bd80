"""The small endpoints: async and sync, class-based, the runtime's own description, failing well."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

SERVERS = {"uvicorn", "daphne", "hypercorn"}


@pytest.mark.smoke
async def test_the_async_view_greets(anyone: httpx.AsyncClient) -> None:
    """`/api/async/` waits without a thread, then greets."""
    answer = await anyone.get("/api/async/", params={"delay": 0})
    assert (answer.status_code, answer.json()) == (200, {"message": "Hello from async view!"})


@pytest.mark.smoke
async def test_the_sync_view_greets(anyone: httpx.AsyncClient) -> None:
    """`/api/sync/` does the same on a thread."""
    answer = await anyone.get("/api/sync/", params={"delay": 0})
    assert (answer.status_code, answer.json()) == (200, {"message": "Hello from sync view!"})


async def test_a_blocked_sync_view_delays_nobody(anyone: httpx.AsyncClient) -> None:
    """While sync views sleep, an async one and another sync one are answered before them."""
    # Longer and longer, until it is longer than a slow machine needs for the quick ones.
    for delay in (1, 3, 10):
        sleepers = [asyncio.create_task(anyone.get("/api/sync/", params={"delay": delay})) for _ in range(3)]
        quick = [anyone.get(f"/api/{kind}/", params={"delay": 0}) for kind in ("async", "sync")]
        assert [answer.status_code for answer in await asyncio.gather(*quick)] == [200, 200]
        overtaken = not any(sleeper.done() for sleeper in sleepers)
        assert {answer.status_code for answer in await asyncio.gather(*sleepers)} == {200}
        if overtaken:
            return
    pytest.fail("the quick ones waited for the others")


async def test_async_waits_overlap(anyone: httpx.AsyncClient) -> None:
    """Fifty waits of a second together take less than one after the other."""
    async with asyncio.timeout(50):
        answers = await asyncio.gather(*(anyone.get("/api/async/", params={"delay": 1}) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.smoke
async def test_mode_describes_the_runtime(anyone: httpx.AsyncClient) -> None:
    """`/api/mode/` says that a loop runs, under which server, and which versions."""
    mode = (await anyone.get("/api/mode/")).json()
    assert mode["event_loop_running"] is True
    assert mode["server"] in SERVERS
    assert mode["django"].startswith("6.")
    assert mode["python"].startswith("3.")
    assert mode["sync_helper"]["event_loop_running"] is False


@pytest.mark.smoke
async def test_items_lists(anyone: httpx.AsyncClient) -> None:
    """The class-based view answers its three items."""
    answer = await anyone.get("/api/items/")
    assert (answer.status_code, answer.json()) == (200, {"items": [1, 2, 3]})


@pytest.mark.smoke
@pytest.mark.parametrize("body", [{"name": "widget"}, [1, "two", None], "text", 0, None, {"\u00fc": {"deep": [True]}}])
async def test_items_processes_a_body(anyone: httpx.AsyncClient, body: Any) -> None:
    """POST gives back 201 and the body, of any JSON type."""
    answer = await anyone.post("/api/items/", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (201, {"processed": body})


async def test_robust_answers_where_nothing_fails(anyone: httpx.AsyncClient) -> None:
    """Without `fail` the endpoint is an ordinary one."""
    answer = await anyone.get("/api/robust/")
    assert (answer.status_code, list(answer.json())) == (200, ["message"])


@pytest.mark.parametrize("path", ["/api/async/?delay=0", "/api/sync/?delay=0", "/api/items/", "/api/mode/", "/health/"])
async def test_head_is_get_without_a_body(anyone: httpx.AsyncClient, path: str) -> None:
    """HEAD works wherever GET does and answers no body."""
    answer = await anyone.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("application/json")


ORM_METHODS = {
    "aget", "aget_or_create", "aupdate_or_create", "aexists", "acount", "afirst", "alast", "acreate", "aupdate",
    "adelete", "abulk_create", "ain_bulk", "aaggregate", "aiterator",
}  # fmt: skip


async def test_orm_runs_every_async_method(anyone: httpx.AsyncClient) -> None:
    """`/api/orm/` reports the call, its SQL, its rows and its time for each method."""
    started = time.perf_counter()
    answer = await anyone.get("/api/orm/")
    elapsed = (time.perf_counter() - started) * 1000
    assert answer.status_code == 200
    reports = answer.json()
    assert {report["method"] for report in reports} >= ORM_METHODS
    for report in reports:
        assert report["call"]
        assert all(isinstance(statement, str) for statement in report["sql"])
        assert "rows" in report
        assert report["ms"] > 0
    assert sum(report["ms"] for report in reports) < elapsed
    assert any("INSERT" in statement for report in reports for statement in report["sql"])
