"""The ASGI handler: Django's semantics, without a thread on the async path."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import signals
from pytest_django import Settings

from async_handler.sync_pool import sync_pool
from chassis.database import async_connections
from chassis.handler import Handler
from testing.asgi import AsgiExchange
from testing.waiting import eventually

from . import views_for_handler as views

pytestmark = pytest.mark.usefixtures("process")

type Send = Callable[..., AsgiExchange]


@pytest.fixture
def gate() -> views.Gate:
    """A fresh gate for the views."""
    views.Gate.current = views.Gate()
    return views.Gate.current


@pytest.fixture
def request_to(settings: Settings, gate: views.Gate, database: None) -> Iterator[Send]:
    """Sends requests to a handler over the views of `views_for_handler`."""
    settings.ROOT_URLCONF = views.__name__
    handler = Handler()

    def send(path: str, body: bytes | None = b"", **options: Any) -> AsgiExchange:
        exchange = AsgiExchange(handler, path, **options)
        if body is not None:
            exchange.send_body([body])
        return exchange

    yield send
    gate.opened.set()
    gate.sync_opened.set()


async def test_answers(request_to: Send) -> None:
    """A view's response arrives whole."""
    exchange = request_to("/ok")
    assert (await exchange.start(), await exchange.body()) == (200, b"ok")


async def test_no_thread_for_an_async_view(request_to: Send) -> None:
    """Many async requests start no thread at all."""
    await (first := request_to("/ok")).ended()
    assert first.answered
    before = set(threading.enumerate())
    for _ in range(50):
        await request_to("/ok").ended()
    assert set(threading.enumerate()) <= before


async def test_no_lane_for_an_async_view(request_to: Send, gate: views.Gate) -> None:
    """An async request is done, signals and all, while synchronous ones hold every thread."""
    blocked = [request_to("/blocks") for _ in range(8)]
    for _ in blocked:
        await asyncio.to_thread(gate.sync_reached.acquire)
    await request_to("/ok").ended()
    assert not gate.sync_opened.is_set()
    gate.sync_opened.set()
    assert [await exchange.start() for exchange in blocked] == [200] * len(blocked)


async def test_body_arrives_in_chunks(request_to: Send) -> None:
    """The body is put together from its chunks."""
    exchange = request_to("/echo", body=None, method="POST")
    exchange.send_body([b"one ", b"", b"two"])
    assert (await exchange.start(), await exchange.body()) == (200, b"one two")


async def test_body_over_the_cap(request_to: Send, settings: Settings) -> None:
    """A body over the cap is 413 where a view reads it, before its end has arrived."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    exchange = request_to("/echo", body=None, method="POST")
    exchange.send_body([b"x" * 11, b"never read"])
    assert await exchange.start() == 413
    assert json.loads(await exchange.body()) == {"error": "Payload too large"}


async def test_body_that_nobody_reads(request_to: Send, settings: Settings) -> None:
    """A view that ignores its body answers whatever the size."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert await request_to("/ok", body=b"x" * 11).start() == 200


async def test_client_leaves_during_the_body(request_to: Send) -> None:
    """A client that goes before its request was complete gets no answer and leaves nothing behind."""
    exchange = request_to("/ok", body=None)
    exchange.leave()
    await exchange.ended()
    assert not exchange.answered


async def test_client_leaves_during_the_view(request_to: Send, gate: views.Gate) -> None:
    """The view is cancelled when its client goes."""
    exchange = request_to("/waits")
    await gate.reached.wait()
    exchange.leave()
    await exchange.ended()
    assert gate.cancelled.is_set()
    assert not exchange.answered


async def test_client_leaves_during_a_stream(request_to: Send, gate: views.Gate) -> None:
    """A stream's iterator is closed when its client goes."""
    exchange = request_to("/streams")
    await exchange.start()
    await gate.reached.wait()
    exchange.leave()
    await exchange.ended()
    assert gate.cancelled.is_set()


async def test_stream_holds_no_connection(request_to: Send, gate: views.Gate) -> None:
    """What the view used of the database is given back before the first byte of a stream."""
    exchange = request_to("/streams")
    await exchange.start()
    await gate.reached.wait()
    stats = async_connections["default"].pool.get_stats()
    assert stats["pool_available"] == stats["pool_size"] > 0
    gate.opened.set()
    assert (await exchange.body()).endswith(b"last")


async def test_slow_sync_views_delay_nobody(request_to: Send, gate: views.Gate, settings: Settings) -> None:
    """With every thread taken and more requests waiting for one, an async view still answers."""
    blocked = [request_to("/blocks") for _ in range(settings.SYNC_THREADS + 2)]
    for _ in range(settings.SYNC_THREADS):
        await asyncio.to_thread(gate.sync_reached.acquire)
    assert await request_to("/ok").start() == 200
    gate.sync_opened.set()
    assert [await exchange.start() for exchange in blocked] == [200] * len(blocked)
    assert len(set(gate.threads)) <= settings.SYNC_THREADS


async def test_too_many_sync_views(request_to: Send, gate: views.Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound of waiting requests the answer is 503 with Retry-After, at once."""
    monkeypatch.setattr(sync_pool(), "max_waiting", 0)
    blocked = [request_to("/blocks") for _ in range(8)]
    for _ in blocked:
        await asyncio.to_thread(gate.sync_reached.acquire)
    refused = request_to("/blocks")
    assert await refused.start() == 503
    gate.sync_opened.set()
    assert [await exchange.start() for exchange in blocked] == [200] * len(blocked)


async def test_waiting_request_that_leaves(request_to: Send, gate: views.Gate) -> None:
    """A request that waits for a thread and goes away takes none."""
    blocked = [request_to("/blocks") for _ in range(8)]
    for _ in blocked:
        await asyncio.to_thread(gate.sync_reached.acquire)
    waiting = request_to("/blocks")
    await eventually(lambda: len(sync_pool()._waiting) == 1, what="the ninth request waits")
    waiting.leave()
    await waiting.ended()
    gate.sync_opened.set()
    assert [await exchange.start() for exchange in blocked] == [200] * len(blocked)
    assert len(gate.threads) == len(blocked)


async def test_sync_code_of_a_request_stays_on_one_thread(request_to: Send) -> None:
    """Thread-sensitive code runs on the same thread for the length of a request."""
    exchange = request_to("/hops")
    await exchange.start()
    first, second = (await exchange.body()).decode().split()
    assert first == second
    assert first.startswith("sync-thread")


@pytest.mark.parametrize("path", ["/conflicts", "/conflicts-sync"])
async def test_known_errors_are_json(request_to: Send, path: str) -> None:
    """What `chassis.errors` knows becomes its response, from async and from sync views."""
    exchange = request_to(path)
    assert (await exchange.start(), json.loads(await exchange.body())) == (409, {"error": "Already there"})


async def test_database_down(request_to: Send) -> None:
    """A dead database is 503, and says nothing of the server's address."""
    exchange = request_to("/database-down")
    assert (await exchange.start(), json.loads(await exchange.body())) == (503, {"error": "Database unavailable"})


async def test_defect(request_to: Send, caplog: pytest.LogCaptureFixture) -> None:
    """A defect is logged with its traceback; the client is told nothing of it."""
    with caplog.at_level(logging.ERROR):
        exchange = request_to("/broken")
        assert (await exchange.start(), json.loads(await exchange.body())) == (500, {"error": "Internal server error"})
    assert any(record.exc_info and "secret detail" in str(record.exc_info[1]) for record in caplog.records)


async def test_signals(request_to: Send) -> None:
    """`request_started` and `request_finished` are sent once each, in order, to async and sync receivers."""
    heard: list[str] = []

    async def started(**kwargs: Any) -> None:
        heard.append("started")

    def finished(**kwargs: Any) -> None:
        heard.append("finished")

    signals.request_started.connect(started)
    signals.request_finished.connect(finished)
    try:
        await request_to("/ok").ended()
    finally:
        signals.request_started.disconnect(started)
        signals.request_finished.disconnect(finished)
    assert heard == ["started", "finished"]


async def test_only_http_and_lifespan(request_to: Send) -> None:
    """A WebSocket that is routed here by mistake is refused loudly."""
    with pytest.raises(ValueError, match="not websocket"):
        await Handler()({"type": "websocket"}, None, None)  # type: ignore[arg-type]


async def test_unreadable_path(request_to: Send) -> None:
    """A query that is not ASCII is answered, not fatal."""
    assert await request_to("/nowhere?caf\xc3=1").start() in (400, 404)


async def test_server_timing(request_to: Send) -> None:
    """The time in the application is a header that browsers show."""
    exchange = request_to("/ok")
    await exchange.start()
    assert exchange.headers["server-timing"].startswith("app;dur=")


async def test_task_that_outlives_its_request(request_to: Send, gate: views.Gate) -> None:
    """A task of a request may not take a thread after it: nobody would give it back."""
    await request_to("/leaves-a-task").start()
    gate.opened.set()
    assert gate.task is not None
    with pytest.raises(RuntimeError, match="over"):
        await gate.task
