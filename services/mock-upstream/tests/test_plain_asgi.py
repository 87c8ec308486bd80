"""The application driven by ASGI messages alone: what it sends, and what it needs the server for."""

import asyncio
from typing import Any

import httpx
import pytest

from mock_upstream.app import Upstream
from mock_upstream.data import page


async def exchange(upstream: Upstream, method: str, path: str, *incoming: dict[str, Any]) -> list[dict[str, Any]]:
    """What the application sends when these messages arrive, and then nothing more."""
    queue = list(incoming)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not queue:
            await asyncio.Event().wait()
        return queue.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"limit=1", "headers": []}
    await upstream(scope, receive, send)
    return sent


async def test_drip_sends_small_pieces() -> None:
    """A twentieth of a second's worth each, and the last one ends the answer."""
    upstream, body = Upstream(), page("users", 1)
    upstream.faults.replace("users", {"drip": {"bytes_per_second": 400}})
    pieces = (await exchange(upstream, "GET", "/users"))[1:]
    assert [piece["body"] for piece in pieces] == [body[at : at + 20] for at in range(0, len(body), 20)]
    assert [piece["more_body"] for piece in pieces] == [True] * (len(pieces) - 1) + [False]


async def test_a_client_that_leaves_while_it_sends_changes_nothing() -> None:
    """Half a body is no settings."""
    upstream = Upstream()
    before = upstream.faults.as_json()
    part = {"type": "http.request", "body": b"{}", "more_body": True}
    assert await exchange(upstream, "PUT", "/faults", part, {"type": "http.disconnect"}) == []
    assert upstream.faults.as_json() == before


@pytest.mark.parametrize("fault", ["reset_rate", "truncate_rate"])
async def test_faults_of_the_socket_raise_under_another_server(fault: str) -> None:
    """An in-process client sees a reset too, as an exception."""
    upstream = Upstream()
    upstream.faults.replace("users", {fault: 1})
    transport = httpx.ASGITransport(upstream)
    async with httpx.AsyncClient(transport=transport, base_url="http://upstream") as client:
        with pytest.raises(ConnectionResetError):
            await client.get("/users")


async def test_other_protocols_are_refused() -> None:
    """A server that offers a WebSocket or a lifespan learns that there is none."""
    with pytest.raises(ValueError, match="speaks HTTP, not lifespan"):
        await Upstream()({"type": "lifespan"}, _never, _never)


async def _never(*_message: Any) -> Any:
    raise AssertionError
