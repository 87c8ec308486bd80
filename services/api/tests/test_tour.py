"""The tour: async and sync views side by side, where code runs, and how it fails."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from api import urls
from api.tour import surroundings
from testing.waiting import eventually


class Gate:
    """Holds synchronous views until the test opens it."""

    opened = threading.Event()
    entered = threading.Semaphore(0)
    inside = 0
    lock = threading.Lock()


def hold(request: HttpRequest) -> HttpResponse:
    """A synchronous view that blocks its thread."""
    with Gate.lock:
        Gate.inside += 1
    Gate.opened.wait(30)
    with Gate.lock:
        Gate.inside -= 1
    return HttpResponse()


urlpatterns = [path("hold/", hold), *urls.urlpatterns]


@pytest.fixture
def gate(settings: Any) -> Iterator[type[Gate]]:
    """A closed gate at `/hold/`, opened at the end of the test whatever happens."""
    settings.ROOT_URLCONF = __name__
    Gate.opened.clear()
    yield Gate
    Gate.opened.set()


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_greets(client: httpx.AsyncClient, kind: str) -> None:
    """Both views answer in the same shape."""
    response = await client.get(f"/api/{kind}/?delay=0.01")
    assert (response.status_code, response.json()) == (200, {"message": f"Hello from {kind} view!"})


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("delay", ["-1", "10.1", "nan", "inf", "x", ""])
async def test_refuses_a_delay(client: httpx.AsyncClient, kind: str, delay: str) -> None:
    """A delay outside 0-10 seconds is 400 and says why, with and without the typed layer."""
    response = await client.get(f"/api/{kind}/", params={"delay": delay})
    assert response.status_code == 400
    assert "$.delay" in response.json()["error"] or "$.parsed_query.delay" in response.json()["error"]


async def test_waiting_requests_overlap(client: httpx.AsyncClient) -> None:
    """A hundred waiting async requests take one wait: in turn they would need longer than the test may take."""
    async with asyncio.timeout(50):
        responses = await asyncio.gather(*(client.get("/api/async/?delay=1") for _ in range(100)))
    assert {response.status_code for response in responses} == {200}


async def test_sync_views_delay_nobody(client: httpx.AsyncClient, gate: type[Gate], settings: Any) -> None:
    """While every thread is blocked by a synchronous view, async views answer."""
    held = [asyncio.create_task(client.get("/hold/")) for _ in range(settings.SYNC_THREADS)]
    await eventually(lambda: gate.inside == settings.SYNC_THREADS, what="all threads are leased")
    response = await client.get("/api/async/?delay=0")
    assert (response.status_code, gate.inside) == (200, settings.SYNC_THREADS)
    gate.opened.set()
    assert {response.status_code for response in await asyncio.gather(*held)} == {200}


async def test_more_sync_requests_than_lanes_wait(client: httpx.AsyncClient, gate: type[Gate], settings: Any) -> None:
    """One more than there are threads is answered once a thread is free."""
    held = [asyncio.create_task(client.get("/hold/")) for _ in range(settings.SYNC_THREADS)]
    await eventually(lambda: gate.inside == settings.SYNC_THREADS, what="all threads are leased")
    waiting = asyncio.create_task(client.get("/api/sync/?delay=0"))
    await client.get("/api/async/?delay=0")
    assert not waiting.done()
    gate.opened.set()
    assert (await waiting).status_code == 200
    await asyncio.gather(*held)


async def test_too_many_sync_requests(client: httpx.AsyncClient, gate: type[Gate], settings: Any) -> None:
    """Where the queue for the threads is full too, the next request is refused at once instead of piling up."""
    places = settings.SYNC_THREADS * 17
    held = [asyncio.create_task(client.get("/hold/")) for _ in range(places)]
    await eventually(lambda: gate.inside == settings.SYNC_THREADS, what="all threads are leased")
    refused = await client.get("/api/sync/?delay=0")
    assert (refused.status_code, refused.json()) == (503, {"error": "Too many synchronous requests"})
    assert refused.headers["Retry-After"] == "1"
    gate.opened.set()
    assert {response.status_code for response in await asyncio.gather(*held)} == {200}


@pytest.mark.parametrize("view", ["sync", "external/sync"])
async def test_function_view_methods(client: httpx.AsyncClient, view: str) -> None:
    """A function view says which methods it has."""
    response = await client.post(f"/api/{view}/")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
    assert response.json() == {"error": "Method not allowed"}


async def test_mode(client: httpx.AsyncClient) -> None:
    """An async view sees the loop; a synchronous helper that it calls sees none, on another thread."""
    seen = (await client.get("/api/mode/")).json()
    assert (seen["event_loop_running"], seen["thread"], seen["pid"]) == (True, "MainThread", os.getpid())
    assert seen["loop"] == f"{type(asyncio.get_running_loop()).__module__}.{type(asyncio.get_running_loop()).__name__}"
    helper = seen["sync_helper"]
    assert (helper["event_loop_running"], helper["loop"]) == (False, None)
    assert helper["thread"].startswith("sync-thread-")
    assert (seen["server"], seen["worker"]) == ("unknown", "MainProcess")
    assert seen["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]


START_SECONDS = 60
SERVE = {
    "uvicorn": ["uvicorn", "--fd", "{fd}", "--log-level", "warning"],
    "daphne": ["daphne", "--fd", "{fd}", "-v", "0"],
    "hypercorn": ["hypercorn", "--bind", "fd://{fd}", "--log-level", "WARNING"],
}


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("server", surroundings.SERVERS)
def test_server(server: str) -> None:
    """Each ASGI server is recognised, with its loop."""
    # The listener exists before the server does, so the request waits for it instead of being refused.
    listener = socket.create_server(("127.0.0.1", 0))
    command = [part.format(fd=listener.fileno()) for part in SERVE[server]]
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "api.asgi:application"],
        pass_fds=[listener.fileno()],
        env=os.environ,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/mode/"
        seen = httpx.get(url, timeout=START_SECONDS, headers={"Host": "localhost"}).json()
        assert (seen["server"], seen["event_loop_running"]) == (server, True)
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        # Its group too: hypercorn leaves its workers behind where it is told to stop while they start.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        listener.close()


async def test_items(client: httpx.AsyncClient) -> None:
    """A class-based view: GET answers the items."""
    response = await client.get("/api/items/")
    assert (response.status_code, response.json()) == (200, {"items": [1, 2, 3]})


@pytest.mark.parametrize("body", [{"a": [1, None, "é"]}, [], 0, None, "text", 2**70])
async def test_post_items(client: httpx.AsyncClient, body: object) -> None:
    """POST echoes any JSON value as processed."""
    response = await client.post("/api/items/", content=msgspec.json.encode(body))
    assert (response.status_code, response.json()) == (201, {"processed": body})


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"\xff", b'"\\ud800"', b"[" * 100_000])
async def test_post_items_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    """What is not JSON is 400, deep nesting included."""
    response = await client.post("/api/items/", content=body)
    assert (response.status_code, response.json()) == (400, {"error": "The body is not valid JSON"})


async def test_post_items_too_large(client: httpx.AsyncClient, settings: Any) -> None:
    """A body over the cap is 413."""
    response = await client.post("/api/items/", content=b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert (response.status_code, response.json()) == (413, {"error": "Payload too large"})


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
async def test_items_methods(client: httpx.AsyncClient, method: str) -> None:
    """Other methods are 405 as JSON, with the methods that there are."""
    response = await client.request(method, "/api/items/")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert response.json() == {"error": "Method not allowed"}


async def test_robust_without_failure(client: httpx.AsyncClient) -> None:
    """Nothing asked, nothing failed."""
    response = await client.get("/api/robust/")
    assert (response.status_code, response.json()) == (200, {"message": "Nothing failed"})


async def test_robust_expected(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """An expected failure tells the client why, and logs a warning without a traceback."""
    response = await client.get("/api/robust/?fail=expected")
    assert (response.status_code, response.json()) == (400, {"error": "This failure was expected"})
    (record,) = [
        record for record in caplog.records if isinstance(record.msg, dict) and record.msg["event"] == "robust.refused"
    ]
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


async def test_robust_unexpected(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected failure tells the client nothing, and logs its traceback."""
    response = await client.get("/api/robust/?fail=unexpected")
    assert (response.status_code, response.json()) == (500, {"error": "Internal server error"})
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "This failure was not expected"


async def test_robust_unknown(client: httpx.AsyncClient) -> None:
    """Another way to fail is 400."""
    assert (await client.get("/api/robust/?fail=other")).status_code == 400


async def test_openapi(client: httpx.AsyncClient) -> None:
    """The typed views describe themselves; the plain ones cannot."""
    described = msgspec.json.decode((await client.get("/api/openapi.json")).content)["paths"]
    assert {
        f"/api/{name}/" for name in ("async", "mode", "external", "external/gather", "robust", "gather", "orm")
    } <= set(described)
    assert not {f"/api/{name}/" for name in ("sync", "items", "external/sync")} & set(described)
