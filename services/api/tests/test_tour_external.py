"""Upstream calls by the process's httpx client: one, awaited and through `async_to_sync`; and three at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest
import pytest_asyncio

from api.asgi import application
from api.gather.upstream import MAX_BYTES
from api.tour import httpx_client
from api.tour import upstream as calls
from chassis import lifespan
from chassis.errors import Unavailable
from testing.waiting import DEADLINE, eventually

from .aborting import AbortableRequest
from .upstream import LEGS, Upstream

WAYS = {"external": "await", "external/sync": "async_to_sync"}
VIEWS = [*WAYS, "external/gather"]
HANG: dict[str, Any] = {"hang_rate": 1}


@pytest.fixture(autouse=True)
def patient(process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call may take longer than any busy machine needs."""
    monkeypatch.setattr(httpx_client.client(), "timeout", httpx.Timeout(DEADLINE))
    monkeypatch.setattr(calls, "TIMEOUT", DEADLINE)


def acquired() -> int:
    """Connections of the client's pool that some request holds."""
    transport: Any = httpx_client.client()._transport
    connector = transport.client.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    return len(connector._acquired)


@pytest.mark.parametrize("view", WAYS)
async def test_answers(client: httpx.AsyncClient, upstream: Upstream, view: str) -> None:
    """Both ways give the upstream's first user."""
    response = await client.get(f"/api/{view}/")
    body = response.json()
    assert (response.status_code, body["via"], body["total"]) == (200, WAYS[view], 300)
    assert [user["id"] for user in body["users"]] == [1]


@pytest_asyncio.fixture
async def new_client(process: None) -> AsyncIterator[httpx.AsyncClient]:
    """The process's client, without the connections of other tests."""
    before = httpx_client._Client.instance
    async with httpx_client.opened() as instance:
        yield instance
    httpx_client._Client.instance = before


async def test_both_ways_share_one_loop(
    client: httpx.AsyncClient, upstream: Upstream, new_client: httpx.AsyncClient
) -> None:
    """`async_to_sync` runs the coroutine on the loop that owns the HTTP client: one connection serves all calls."""
    for view in [*WAYS, *WAYS]:
        assert (await client.get(f"/api/{view}/")).status_code == 200
    counters = await upstream.counters()
    assert (counters["requests"], counters["connections"]) == (4, 1)


async def test_gather_answers(client: httpx.AsyncClient, upstream: Upstream, new_client: httpx.AsyncClient) -> None:
    """Ten rows of each resource, and no other key; three requests over at most three connections, however often."""
    for _ in range(5):
        response = await client.get("/api/external/gather/")
        assert response.status_code == 200
        assert {name: len(rows) for name, rows in response.json().items()} == dict.fromkeys(LEGS, 10)
    counters = await upstream.counters()
    assert counters["requests"] == 15
    assert counters["connections"] <= 3


async def test_gather_asks_for_all_at_once(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """All three are in flight at the same time, and the answer waits for the slowest only."""
    await upstream.fault(**dict.fromkeys(LEGS, HANG))
    request = AbortableRequest(application, "/api/external/gather/")
    await upstream.reaches(requests=3, in_flight=3)
    request.leave()
    await request.finished()
    await upstream.reset()
    await upstream.fault(orders={"latency": {"kind": "fixed", "ms": 500}})
    assert (await client.get("/api/external/gather/")).status_code == 200
    assert {name: (await upstream.counters(name))["requests"] for name in LEGS} == dict.fromkeys(LEGS, 1)


@pytest.mark.parametrize("leg", LEGS)
async def test_gather_fails_as_soon_as_one_fails(client: httpx.AsyncClient, upstream: Upstream, leg: str) -> None:
    """502 with the name of the resource, while the others would hang; their requests are cancelled."""
    others = {name: HANG for name in LEGS if name != leg}
    await upstream.fault(**others, **{leg: {"error_rate": 1, "error_status": 500}})
    async with asyncio.timeout(30):
        response = await client.get("/api/external/gather/")
    assert response.status_code == 502
    assert response.json() == {"error": "Upstream failed", "reason": f"{leg}: status 500"}
    await upstream.reaches(in_flight=0)
    assert acquired() == 0


async def test_nothing_is_in_flight_after_the_client_left(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """Crowds of gathers whose clients leave in flight: no request and no connection is left, and the pool still works.

    httpx's own transport does not survive this: `bench/cancelled.py`.
    """
    await upstream.fault(**dict.fromkeys(LEGS, HANG))
    for _ in range(20):
        crowd = [AbortableRequest(application, "/api/external/gather/") for _ in range(30)]
        await upstream.reaches(in_flight=90)
        for request in crowd:
            request.leave()
        await asyncio.gather(*(request.finished() for request in crowd))
        await upstream.reaches(in_flight=0)
        await eventually(lambda: acquired() == 0, what="no connection is held")
    await upstream.reset()
    responses = await asyncio.gather(*(client.get("/api/external/gather/") for _ in range(20)))
    assert [response.status_code for response in responses] == [200] * 20


@pytest.mark.parametrize("view", VIEWS)
async def test_upstream_fails(client: httpx.AsyncClient, upstream: Upstream, view: str) -> None:
    """An error of the upstream is 502 with its kind."""
    await upstream.fault(users={"error_rate": 1, "error_status": 500})
    response = await client.get(f"/api/{view}/")
    prefix = "users: " if view == "external/gather" else ""
    assert (response.status_code, response.json()) == (
        502,
        {"error": "Upstream failed", "reason": f"{prefix}status 500"},
    )


@pytest.mark.parametrize("view", VIEWS)
async def test_upstream_down(client: httpx.AsyncClient, settings: Any, unused_url: str, view: str) -> None:
    """If nothing listens it is 502, although the transport calls it a timeout, and the address stays inside."""
    settings.UPSTREAM_URL = unused_url
    response = await client.get(f"/api/{view}/")
    assert response.status_code == 502
    assert response.json()["reason"].removeprefix("users: ") in {"connection failed", "products: connection failed"}


@pytest.mark.parametrize("fault", ["reset_rate", "truncate_rate"])
async def test_connection_lost(client: httpx.AsyncClient, upstream: Upstream, fault: str) -> None:
    """Before the answer or within it: 502, and one request: nothing repeats it in silence."""
    # A connection that is used again is what aiohttp would try anew.
    assert (await client.get("/api/external/")).status_code == 200
    await upstream.fault(users={fault: 1})
    response = await client.get("/api/external/")
    assert (response.status_code, response.json()["reason"]) == (502, "connection failed")
    assert (await upstream.counters())["requests"] == 2


async def test_upstream_hangs(client: httpx.AsyncClient, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upstream that does not answer is 504; without a bound this test would end by its own timeout."""
    monkeypatch.setattr(calls, "TIMEOUT", 0.3)
    await upstream.fault(users=HANG)
    async with asyncio.timeout(DEADLINE):
        responses = await asyncio.gather(*(client.get(f"/api/{view}/") for view in VIEWS))
    assert [(response.status_code, response.json()["error"]) for response in responses] == [
        (504, "Upstream timed out")
    ] * 3


@contextlib.asynccontextmanager
async def answering(head: str, body: bytes = b"{}") -> AsyncIterator[tuple[str, list[bytes]]]:
    """An upstream that gives each request this answer; its address, and the heads of the requests."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


JSON = "HTTP/1.1 200 OK\nContent-Type: application/json"
LARGE = b'{"users": [' + b'{"id": 1}, ' * (MAX_BYTES // 10) + b'{"id": 1}], "total": 1}'


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        ("HTTP/1.1 302 Found\nLocation: /elsewhere\nContent-Length: 0", b"", "status 302"),
        ("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 2", b"{}", "not JSON"),
        (f"{JSON}\nContent-Length: 5", b'{"a":', "not JSON"),
        (f"{JSON}\nContent-Length: 2", b"{}", "unexpected shape"),
        (JSON, LARGE, f"more than {MAX_BYTES} bytes"),
        ("HTTP/1.1 nonsense", b"", "connection failed"),
    ],
    ids=["redirect", "type", "syntax", "shape", "size", "protocol"],
)
async def test_unusable_answers(client: httpx.AsyncClient, settings: Any, head: str, body: bytes, reason: str) -> None:
    """502 with the reason; a redirect is not followed."""
    async with answering(head, body) as (settings.UPSTREAM_URL, heads):
        response = await client.get("/api/external/")
    assert (response.status_code, response.json()) == (502, {"error": "Upstream failed", "reason": reason})
    assert len(heads) == 1


async def test_cookies_are_not_kept(client: httpx.AsyncClient, settings: Any) -> None:
    """What the upstream tells one user's request is not sent with the next user's."""
    body = b'{"users": [], "total": 0}'
    head = f"{JSON}\nSet-Cookie: who=ada\nConnection: close\nContent-Length: {len(body)}"
    async with answering(head, body) as (settings.UPSTREAM_URL, heads):
        for _ in range(2):
            assert (await client.get("/api/external/")).status_code == 200
    assert len(heads) == 2
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_the_request_is_passed_on(client: httpx.AsyncClient, settings: Any) -> None:
    """With its id; and a compressed answer is not asked for, which could unfold into a large one."""
    body = b'{"users": [], "total": 0}'
    async with answering(f"{JSON}\nContent-Length: {len(body)}", body) as (settings.UPSTREAM_URL, heads):
        await client.get("/api/external/", headers={"X-Request-ID": "my-own-id"})
    assert b"x-request-id: my-own-id\r\n" in heads[0].lower()
    assert b"accept-encoding: identity\r\n" in heads[0].lower()


async def test_the_lifespan_opens_and_closes_it(process: None) -> None:
    """It is one of the process's resources; outside of its life it says so."""
    assert httpx_client.opened in lifespan._state.resources
    before = httpx_client.client()
    try:
        async with httpx_client.opened() as instance:
            assert httpx_client.client() is instance
            session = instance._transport.client  # type: ignore[attr-defined]
        assert instance.is_closed
        assert session.closed
        with pytest.raises(Unavailable):
            httpx_client.client()
    finally:
        httpx_client._Client.instance = before
