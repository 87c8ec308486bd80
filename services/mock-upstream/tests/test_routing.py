"""Health, refusals and the request id: what every path has in common."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from mock_upstream.control import MAX_BODY_BYTES

type Connect = Callable[[bytes], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/live", "/health/ready"])
async def test_health(client: httpx.AsyncClient, path: str) -> None:
    """Each probe is answered the same."""
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/", "/nothing", "/users/1", "/faults/nothing", "/faults/*", "/users//"])
async def test_an_unknown_path_is_404(client: httpx.AsyncClient, path: str) -> None:
    """There is nothing else to find."""
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/users", "GET, HEAD"),
        ("DELETE", "/orders", "GET, HEAD"),
        ("PUT", "/health", "GET, HEAD"),
        ("PUT", "/counters", "GET, HEAD, DELETE"),
        ("POST", "/faults", "GET, HEAD, PUT, DELETE"),
        ("PATCH", "/faults/users", "GET, HEAD, PUT, DELETE"),
    ],
)
async def test_a_wrong_method_is_405(client: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    """Allow lists what works, as the standard demands."""
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json() == {"error": f"Method {method} is not allowed here"}


@pytest.mark.parametrize("path", ["/users", "/health", "/nothing", "/users?limit=x"])
async def test_the_request_id_comes_back(client: httpx.AsyncClient, path: str) -> None:
    """On answers and on refusals, so a trace can be joined."""
    answer = await client.get(path, headers={"X-Request-ID": "req 1~"})
    assert answer.headers["x-request-id"] == "req 1~"


@pytest.mark.parametrize("request_id", [b"", b"x" * 129, b"a\tb", "\u00e9".encode()])
async def test_an_odd_request_id_does_not_come_back(client: httpx.AsyncClient, request_id: bytes) -> None:
    """Only printable ASCII of up to 128 characters is echoed."""
    answer = await client.get("/users", headers={b"X-Request-ID": request_id})
    assert "x-request-id" not in answer.headers


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b'{"users": {"error_rate": Infinity}}', b"[" * 60_000])
async def test_a_body_that_is_not_json_is_400(client: httpx.AsyncClient, body: bytes) -> None:
    """Python's own extensions and a nesting bomb included."""
    answer = await client.put("/faults", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": "The body is not valid JSON"})


async def test_a_body_at_the_limit_is_read(client: httpx.AsyncClient) -> None:
    """64 KiB is allowed: it is the JSON that counts then."""
    body = b"{}".ljust(MAX_BODY_BYTES)
    assert (await client.put("/faults", content=body)).status_code == 200


async def test_a_longer_body_is_413(client: httpx.AsyncClient) -> None:
    """One byte more is refused, by its declared length."""
    answer = await client.put("/faults", content=b"{}".ljust(MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()) == (413, {"error": "The body must be at most 65536 bytes"})


async def test_a_longer_body_is_413_where_no_length_is_declared(send_raw: Connect) -> None:
    """A chunked body is counted while it is read, and refused before it ends."""
    chunk = b"%x\r\n%s\r\n" % (MAX_BODY_BYTES + 1, b" " * (MAX_BODY_BYTES + 1))
    reader, _writer = await send_raw(b"PUT /faults HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
