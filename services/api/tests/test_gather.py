"""`/api/gather/`: three legs at once; what one of them suffers stays its own."""

import asyncio
from typing import Any

import httpx
import pytest

from api.asgi import application
from api.gather.upstream import MAX_BYTES

from .aborting import AbortableRequest
from .upstream import LEGS, Upstream, impatient, listening

ALL_HANG = {name: {"hang_rate": 1} for name in LEGS}


async def test_all(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """All three lists, and what it took."""
    response = await client.get("/api/gather/?limit=7")
    body = response.json()
    assert (response.status_code, [len(body[name]) for name in LEGS]) == (200, [7, 7, 7])
    meta = body["meta"]
    assert (meta["partial"], meta["deadline_ms"], meta["without"]) == (False, 30_000, ["fresh", "stale"])
    keys = {"status", "ms", "attempts", "hedged", "source", "age"}
    assert {name: set(leg) for name, leg in meta["legs"].items()} == dict.fromkeys(LEGS, keys)
    assert {leg["status"] for leg in meta["legs"].values()} == {"ok"}


@pytest.mark.parametrize(("query", "status"), [("", 200), ("?limit=300", 200), ("?limit=0", 400), ("?limit=301", 400)])
async def test_limit(client: httpx.AsyncClient, upstream: Upstream, query: str, status: int) -> None:
    """`limit` is 1-300."""
    assert (await client.get(f"/api/gather/{query}")).status_code == status


async def test_legs_run_at_once(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """All three are in flight together: one after the other, the first would hang alone."""
    await upstream.fault(**ALL_HANG)
    request = AbortableRequest(application, "/api/gather/")
    await upstream.reaches(in_flight=3)
    request.leave()
    await request.finished()


async def crowd(count: int) -> list[AbortableRequest]:
    """So many who ask for the same at once."""
    return [AbortableRequest(application, "/api/gather/?limit=5") for _ in range(count)]


async def gone(requests: list[AbortableRequest]) -> None:
    """All of them leave."""
    for request in requests:
        request.leave()
    await asyncio.gather(*(request.finished() for request in requests))


async def test_a_thousand_ask_three_times(upstream: Upstream) -> None:
    """A thousand identical gathers at once are three upstream calls, which end with the last of those who wait."""
    await upstream.fault(**ALL_HANG)
    requests = await crowd(1000)
    await upstream.reaches(in_flight=3)
    assert (await upstream.counters())["requests"] == 3
    await gone(requests)
    await upstream.reaches(in_flight=0)
    assert (await upstream.counters())["requests"] == 3


async def test_coalescing_can_be_turned_off(upstream: Upstream, settings: Any) -> None:
    """Then each asks for itself."""
    settings.GATHER_WITHOUT = ["single_flight", "fresh", "stale"]
    await upstream.fault(**ALL_HANG)
    requests = await crowd(5)
    await upstream.reaches(in_flight=15)
    await gone(requests)


async def test_passes_the_request_id_on(client: httpx.AsyncClient, settings: Any) -> None:
    """The upstream can find our request in its logs."""
    async with listening() as (url, heads):
        settings.UPSTREAM_URL = url
        await client.get("/api/gather/", headers={"X-Request-ID": "from-the-client"})
    assert len(heads) >= 3
    assert all(b"x-request-id: from-the-client\r\n" in head.lower() for head in heads)


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "error": ({"error_rate": 1, "error_status": 503}, "error", "status 503"),
    "hang": ({"hang_rate": 1}, "timeout", "no answer within 0.3 s"),
    "reset": ({"reset_rate": 1}, "error", "connection failed"),
    "truncated": ({"truncate_rate": 1}, "error", "connection failed"),
    "drip": ({"drip": {"bytes_per_second": 1}}, "timeout", "no answer within 0.3 s"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_leg_fails(client: httpx.AsyncClient, upstream: Upstream, fault: str) -> None:
    """The other legs still answer, and the meta data say what is missing and why."""
    setting, status, reason = FAULTS[fault]
    if status == "timeout":
        impatient("products", 0.3)
    await upstream.fault(products=setting)
    response = await client.get("/api/gather/")
    body = response.json()
    assert (response.status_code, [len(body[name]) for name in LEGS]) == (200, [10, 0, 10])
    leg = body["meta"]["legs"]["products"]
    assert (body["meta"]["partial"], leg["status"], leg["error"]) == (True, status, reason)


async def test_all_fail(client: httpx.AsyncClient, settings: Any, unused_url: str) -> None:
    """Where no leg answers it is 503 with the same meta data."""
    settings.UPSTREAM_URL = unused_url
    response = await client.get("/api/gather/")
    body = response.json()
    assert (response.status_code, response.headers["Retry-After"], body["error"]) == (503, "1", "All upstreams failed")
    assert [leg["status"] for leg in body["meta"]["legs"].values()] == ["error", "error", "error"]


def _json(body: bytes, content_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


BAD_ANSWERS = {
    "another type": (_json(b'{"users": []}', "text/html"), "not JSON"),
    "not JSON": (_json(b'{"users": ['), "not JSON"),
    "too deep": (_json(b"[" * 200_000), "unexpected shape"),
    "too deep inside": (_json(b'{"users": ' + b"[" * 200_000), "unexpected shape"),
    "too deep in a row": (_json(b'{"users": [{"id": ' + b"[" * 200_000), "not JSON"),
    "a list": (_json(b"[]"), "unexpected shape"),
    "without the list": (_json(b"{}"), "unexpected shape"),
    "null": (_json(b'{"users": null}'), "unexpected shape"),
    "rows that are no objects": (_json(b'{"users": [1]}'), "unexpected shape"),
    "a total that is no number": (_json(b'{"users": [], "total": "all"}'), "unexpected shape"),
    "too large": (_json(b" " * (MAX_BYTES + 1)), f"more than {MAX_BYTES} bytes"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "status 302"),
    "not HTTP": (b"hello\r\n\r\n", "connection failed"),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
async def test_bad_answer(client: httpx.AsyncClient, settings: Any, answer: str) -> None:
    """An answer that cannot be used is an error of its leg, never of ours."""
    bad, reason = BAD_ANSWERS[answer]

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(bad)
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        settings.UPSTREAM_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        response = await client.get("/api/gather/")
    leg = response.json()["meta"]["legs"]["users"]
    assert (response.status_code, leg["status"], leg["error"]) == (503, "error", reason)
