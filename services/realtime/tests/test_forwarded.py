"""Forwarded headers: by the rules of uvicorn, of trusted peers only."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from websockets.asyncio.client import connect

from chassis.forwarded import TrustedProxies

from .processes import DEADLINE, Process, all_running

pytestmark = pytest.mark.slow

SCOPES = Path(__file__).with_name("scopes.py")
GATEWAY = "172.16.250.10"
BOTH = f"{GATEWAY}, 10.0.0.0/8"
# What is trusted, the peer, its `X-Forwarded-For`, and the client that is believed.
CLIENTS = [
    ("", GATEWAY, "1.2.3.4", GATEWAY),
    (GATEWAY, GATEWAY, None, GATEWAY),
    (GATEWAY, GATEWAY, "", GATEWAY),
    (GATEWAY, GATEWAY, "1.2.3.4", "1.2.3.4"),
    (GATEWAY, "172.16.250.11", "1.2.3.4", "172.16.250.11"),
    (GATEWAY, GATEWAY, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
    (BOTH, GATEWAY, "6.6.6.6, 1.2.3.4, 10.1.2.3", "1.2.3.4"),
    (BOTH, "10.9.9.9", "1.2.3.4", "1.2.3.4"),
    (BOTH, "11.0.0.1", "1.2.3.4", "11.0.0.1"),
    (BOTH, GATEWAY, "10.1.1.1, 10.2.2.2", "10.1.1.1"),
    (BOTH, GATEWAY, "1.2.3.4:5678", "1.2.3.4"),
    (BOTH, GATEWAY, "[2001:db8::1]:80", "2001:db8::1"),
    (BOTH, GATEWAY, "2001:db8::1", "2001:db8::1"),
    (BOTH, GATEWAY, "1.2.3.4, unknown", "unknown"),
    ("2001:db8::/32", "2001:DB8:0:0::1", "1.2.3.4", "1.2.3.4"),
    ("*", "8.8.8.8", "1.2.3.4, 5.6.7.8", "1.2.3.4"),
    ("*", None, "1.2.3.4", "1.2.3.4"),
    (GATEWAY, None, "1.2.3.4", None),
]


def scope_of(peer: str | None, kind: str = "http", **headers: str | None) -> dict[str, Any]:
    """A scope with these headers, whose names have `_` instead of `-`."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items() if value is not None]
    client = None if peer is None else [peer, 4711]
    return {"type": kind, "scheme": "ws" if kind == "websocket" else "http", "client": client, "headers": raw}


async def by_uvicorn(trusted: str, scope: dict[str, Any]) -> dict[str, Any]:
    """The scope that uvicorn hands to its application."""
    seen: dict[str, Any] = {}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    middleware: Any = ProxyHeadersMiddleware(application, trusted)
    await middleware(scope, None, None)
    return seen


def believed(scope: dict[str, Any]) -> tuple[Any, ...]:
    """Client and scheme."""
    return tuple(scope["client"] or ()), scope["scheme"]


@pytest.mark.parametrize(("trusted", "peer", "header", "client"), CLIENTS)
async def test_client(trusted: str, peer: str | None, header: str | None, client: str | None) -> None:
    """The last address that no trusted proxy has, and the same as uvicorn's."""
    scope, same = scope_of(peer, x_forwarded_for=header), scope_of(peer, x_forwarded_for=header)
    TrustedProxies.parse(trusted).apply(scope)
    assert (scope["client"] or [None])[0] == client
    assert believed(scope) == believed(await by_uvicorn(trusted, same))


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("peer", [GATEWAY, "8.8.8.8"])
@pytest.mark.parametrize("header", ["http", "https", "ws", "wss", " https ", "HTTPS", "gopher", "", None])
async def test_scheme(kind: str, peer: str, header: str | None) -> None:
    """`https` is `wss` for a WebSocket; what is no scheme changes nothing."""
    scope, same = (scope_of(peer, kind, x_forwarded_proto=header) for _ in range(2))
    TrustedProxies.parse(GATEWAY).apply(scope)
    assert believed(scope) == believed(await by_uvicorn(GATEWAY, same))
    secure = peer == GATEWAY and (header or "").strip() in {"https", "wss"}
    assert (scope["scheme"] in {"https", "wss"}) is secure


ADDRESSES = st.one_of(
    st.ip_addresses().map(str), st.sampled_from([GATEWAY, "10.1.2.3", "10.1.2.3:80", "[::1]", "[::1]:9", "[::1]x", ""])
)


@given(st.sampled_from([GATEWAY, BOTH, "*", "::1"]), st.lists(ADDRESSES | st.text("[]:,. 1a", max_size=12), min_size=1))
async def test_any_header(trusted: str, addresses: list[str]) -> None:
    """Whatever a client sends, uvicorn would believe the same."""
    scope, same = (scope_of(GATEWAY, x_forwarded_for=",".join(addresses)) for _ in range(2))
    TrustedProxies.parse(trusted).apply(scope)
    assert believed(scope) == believed(await by_uvicorn(trusted, same))


@pytest.mark.parametrize(
    "value", ["gateway", "10.0.0.1,", "10.0.0.1/8", "10.0.0.0/33", "*,10.0.0.1", "10.0.0.1 10.0.0.2"]
)
def test_malformed(value: str) -> None:
    """A typing error would silently trust no proxy, or the wrong one."""
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits"):
        TrustedProxies.parse(value)


@pytest.mark.usefixtures("_test_database")
async def test_process() -> None:
    """Over the network, by HTTP and by WebSocket, of a trusted peer and of another."""
    envs = ({"FORWARDED_ALLOW_IPS": trusted} for trusted in ("127.0.0.0/8", "10.0.0.1"))
    async with all_running(*envs, program=(str(SCOPES),)) as processes:
        believed, own = [await seen_by(process) for process in processes]
    assert believed == [["1.2.3.4", "https"], ["1.2.3.4", "wss"]]
    assert own == [["127.0.0.1", "http"], ["127.0.0.1", "ws"]]


async def seen_by(process: Process) -> list[Any]:
    """The client and the scheme that a process takes from the same headers, of a request and of a WebSocket."""
    headers = {"X-Forwarded-For": "6.6.6.6, 1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"}
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as http:
        answer = await http.get(f"http://127.0.0.1:{process.port}/", headers=headers)
    url = f"ws://127.0.0.1:{process.port}/"
    async with connect(url, additional_headers=headers, proxy=None, open_timeout=DEADLINE) as socket:
        return [answer.json(), json.loads(await socket.recv())]
