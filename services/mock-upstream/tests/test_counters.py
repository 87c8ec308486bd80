"""/counters: what the upstream saw."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

type Connect = Callable[[bytes], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
type Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

UNTOUCHED = {
    "requests": 0,
    "in_flight": 0,
    "max_in_flight": 0,
    "statuses": {},
    "faults": {"latency": 0, "drip": 0, "error": 0, "hang": 0, "reset": 0, "truncate": 0},
    "client_disconnects": 0,
    "connections": 0,
}


async def counters(client: httpx.AsyncClient, endpoint: str = "users") -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/counters")).json()[endpoint]
    return found


async def hang(client: httpx.AsyncClient, send_raw: Connect, count: int, eventually: Eventually) -> None:
    """Leave `count` requests for users in flight."""
    await client.put("/faults/users", json={"hang_rate": 1})
    for _ in range(count):
        await send_raw(b"GET /users HTTP/1.1\r\nHost: x\r\n\r\n")

    async def reached() -> bool:
        return bool((await counters(client))["in_flight"] == count)

    await eventually(reached)


async def test_all_begin_at_zero(client: httpx.AsyncClient) -> None:
    """The control paths themselves are not counted."""
    await client.get("/health")
    await client.get("/faults")
    found = (await client.get("/counters")).json()
    assert found == dict.fromkeys(("users", "products", "orders", "*"), UNTOUCHED)


async def test_requests_and_statuses(client: httpx.AsyncClient) -> None:
    """Answers and refusals alike."""
    await client.get("/users")
    await client.get("/users?limit=0")
    await client.post("/users")
    found = await counters(client)
    assert (found["requests"], found["statuses"]) == (3, {"200": 1, "400": 1, "405": 1})


async def test_the_star_is_all_together(client: httpx.AsyncClient) -> None:
    """Requests of every endpoint, and a connection they share once."""
    for path in ("/users", "/products", "/orders"):
        await client.get(path)
    found = await counters(client, "*")
    assert (found["requests"], found["connections"]) == (3, 1)


async def test_a_connection_that_is_reused_counts_once(client: httpx.AsyncClient) -> None:
    """What tells a pooled client from one that connects anew."""
    for _ in range(3):
        await client.get("/users")
    assert (await counters(client))["connections"] == 1


async def test_each_new_connection_counts(client: httpx.AsyncClient) -> None:
    """A client a request is a connection a request."""
    for _ in range(3):
        async with httpx.AsyncClient(base_url=client.base_url, timeout=client.timeout) as another:
            await another.get("/users")
    assert (await counters(client))["connections"] == 3


async def test_requests_in_flight_at_once(client: httpx.AsyncClient, send_raw: Connect, eventually: Eventually) -> None:
    """Three that hang are three at once."""
    await hang(client, send_raw, 3, eventually)
    assert (await counters(client))["max_in_flight"] == 3


async def test_an_error_counts_as_fault_and_status(client: httpx.AsyncClient) -> None:
    """Both tell of it."""
    await client.put("/faults/users", json={"error_rate": 1})
    await client.get("/users")
    found = await counters(client)
    assert (found["faults"]["error"], found["statuses"]) == (1, {"503": 1})


async def test_latency_counts(client: httpx.AsyncClient) -> None:
    """A delayed answer is a fault too."""
    await client.put("/faults/users", json={"latency": {"kind": "fixed", "ms": 1}})
    await client.get("/users")
    assert (await counters(client))["faults"]["latency"] == 1


async def test_delete_begins_again(client: httpx.AsyncClient) -> None:
    """And answers with the fresh counters."""
    await client.get("/users")
    assert (await client.delete("/counters")).json()["users"] == UNTOUCHED


async def test_delete_keeps_what_is_in_flight(
    client: httpx.AsyncClient, send_raw: Connect, eventually: Eventually
) -> None:
    """A request that began before does not go below zero when it ends."""
    await hang(client, send_raw, 1, eventually)
    found = (await client.delete("/counters")).json()["users"]
    assert (found["requests"], found["in_flight"], found["max_in_flight"]) == (0, 1, 1)


async def test_a_connection_counts_again_after_delete(client: httpx.AsyncClient) -> None:
    """The count is of connections seen since then."""
    await client.get("/users")
    await client.delete("/counters")
    await client.get("/users")
    assert (await counters(client))["connections"] == 1
