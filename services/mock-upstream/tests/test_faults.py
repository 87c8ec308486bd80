"""Each fault, as a client meets it on a real socket."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from mock_upstream.data import page

type Connect = Callable[[bytes], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
type Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

GET_USERS = b"GET /users?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n"


async def users(client: httpx.AsyncClient) -> dict[str, Any]:
    counters: dict[str, Any] = (await client.get("/counters")).json()["users"]
    return counters


async def in_flight(client: httpx.AsyncClient, count: int, eventually: Eventually) -> None:
    async def reached() -> bool:
        return bool((await users(client))["in_flight"] == count)

    await eventually(reached)


async def test_error(client: httpx.AsyncClient) -> None:
    """The status that was asked for, and an error body."""
    await client.put("/faults/users", json={"error_rate": 1, "error_status": 429})
    answer = await client.get("/users")
    assert (answer.status_code, answer.json()) == (429, {"error": "Injected fault"})


async def test_error_at_another_endpoint(client: httpx.AsyncClient) -> None:
    """A fault stays where it was set."""
    await client.put("/faults", json={"users": {"error_rate": 1}})
    assert (await client.get("/orders")).status_code == 200


async def test_every_endpoint_at_once(client: httpx.AsyncClient) -> None:
    """`*` is all three."""
    await client.put("/faults", json={"*": {"error_rate": 1}})
    statuses = [(await client.get(path)).status_code for path in ("/users", "/products", "/orders")]
    assert statuses == [503, 503, 503]


async def test_a_refused_request_meets_no_fault(client: httpx.AsyncClient) -> None:
    """A bad limit is 400 even where everything hangs."""
    await client.put("/faults/users", json={"hang_rate": 1})
    assert (await client.get("/users?limit=0")).status_code == 400


async def test_latency(client: httpx.AsyncClient) -> None:
    """The answer is whole, and not before its time."""
    await client.put("/faults/users", json={"latency": {"kind": "fixed", "ms": 200}})
    started = time.monotonic()
    answer = await client.get("/users?limit=1")
    # The server's timers count whole milliseconds.
    assert time.monotonic() - started >= 0.19
    assert answer.content == page("users", 1)


async def test_latency_comes_before_an_error(client: httpx.AsyncClient) -> None:
    """A slow failure, as an overloaded service has it."""
    await client.put("/faults/users", json={"latency": {"kind": "fixed", "ms": 200}, "error_rate": 1})
    started = time.monotonic()
    assert (await client.get("/users")).status_code == 503
    assert time.monotonic() - started >= 0.19


async def test_latency_ends_when_the_client_leaves(
    client: httpx.AsyncClient, send_raw: Connect, eventually: Eventually
) -> None:
    """Nothing waits for a client that is gone."""
    await client.put("/faults/users", json={"latency": {"kind": "fixed", "ms": 60_000}})
    _reader, writer = await send_raw(GET_USERS)
    await in_flight(client, 1, eventually)
    writer.close()
    await in_flight(client, 0, eventually)
    assert (await users(client))["client_disconnects"] == 1


async def test_reset(client: httpx.AsyncClient, send_raw: Connect) -> None:
    """The peer sees a reset, not an end."""
    await client.put("/faults/users", json={"reset_rate": 1})
    reader, _writer = await send_raw(GET_USERS)
    with pytest.raises(ConnectionResetError):
        await reader.read()


async def test_a_reset_is_over_at_once(client: httpx.AsyncClient, send_raw: Connect, eventually: Eventually) -> None:
    """It is counted as a fault, not as a client that left."""
    await client.put("/faults/users", json={"reset_rate": 1})
    reader, _writer = await send_raw(GET_USERS)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    await in_flight(client, 0, eventually)
    counters = await users(client)
    assert (counters["faults"]["reset"], counters["client_disconnects"], counters["statuses"]) == (1, 0, {})


@pytest.mark.parametrize("fault", ["reset_rate", "truncate_rate"])
async def test_a_cut_answer_is_no_error_of_the_server(
    client: httpx.AsyncClient, send_raw: Connect, caplog: pytest.LogCaptureFixture, eventually: Eventually, fault: str
) -> None:
    """It was asked for, so nothing is logged."""
    await client.put("/faults/users", json={fault: 1})
    reader, _writer = await send_raw(GET_USERS)
    with contextlib.suppress(ConnectionResetError):
        await reader.read()
    await in_flight(client, 0, eventually)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_hang_ends_when_the_client_leaves(
    client: httpx.AsyncClient, send_raw: Connect, eventually: Eventually
) -> None:
    """No answer ever, and no leak."""
    await client.put("/faults/users", json={"hang_rate": 1})
    _reader, writer = await send_raw(GET_USERS)
    await in_flight(client, 1, eventually)
    writer.close()
    await in_flight(client, 0, eventually)
    counters = await users(client)
    assert (counters["faults"]["hang"], counters["client_disconnects"], counters["statuses"]) == (1, 1, {})


async def test_truncate(client: httpx.AsyncClient, send_raw: Connect) -> None:
    """Half of the body that was announced, then the end of the connection."""
    await client.put("/faults/users", json={"truncate_rate": 1})
    reader, _writer = await send_raw(GET_USERS)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    whole = page("users", 1)
    assert b"content-length: %d" % len(whole) in head
    assert body == whole[: len(whole) // 2]


async def test_drip_takes_its_time(client: httpx.AsyncClient) -> None:
    """The whole body, at the rate that was asked for."""
    body = page("users", 1)
    rate = len(body) * 4
    await client.put("/faults/users", json={"drip": {"bytes_per_second": rate}})
    started = time.monotonic()
    answer = await client.get("/users?limit=1")
    # A quarter of a second in all, of which the first piece takes nothing and the last one may be short.
    assert time.monotonic() - started >= 0.15
    assert answer.content == body


async def test_drip_ends_when_the_client_leaves(
    client: httpx.AsyncClient, send_raw: Connect, eventually: Eventually
) -> None:
    """A client that has read enough stops it."""
    await client.put("/faults/users", json={"drip": {"bytes_per_second": 1}})
    reader, writer = await send_raw(GET_USERS)
    await reader.readuntil(b"\r\n\r\n{")
    writer.close()
    await in_flight(client, 0, eventually)
    counters = await users(client)
    assert (counters["faults"]["drip"], counters["client_disconnects"]) == (1, 1)


async def test_head_has_nothing_to_drip(client: httpx.AsyncClient) -> None:
    """The head of the answer comes at once."""
    await client.put("/faults/users", json={"drip": {"bytes_per_second": 1}})
    answer = await client.head("/users?limit=1")
    assert int(answer.headers["content-length"]) == len(page("users", 1))


async def test_a_seed_reproduces_the_failures(client: httpx.AsyncClient) -> None:
    """The same PUT, the same requests: the same statuses."""
    runs = []
    for _ in range(2):
        await client.put("/faults/users", json={"error_rate": 0.5, "seed": 7})
        runs.append([(await client.get("/users?limit=1")).status_code for _ in range(30)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


async def test_the_request_id_comes_back_with_an_error(client: httpx.AsyncClient) -> None:
    """An injected failure can be traced like any other."""
    await client.put("/faults/users", json={"error_rate": 1})
    assert (await client.get("/users", headers={"X-Request-ID": "r-1"})).headers["x-request-id"] == "r-1"


async def test_flapping(client: httpx.AsyncClient, eventually: Eventually) -> None:
    """It fails by itself, and by itself it works again. When exactly is tested with a clock in test_fates.py."""
    await client.put("/faults/users", json={"flapping": {"up_ms": 150, "down_ms": 150}, "error_status": 502})
    seen: list[int] = []

    async def has_been_both() -> bool:
        seen.append((await client.get("/users?limit=1")).status_code)
        return 502 in seen and 200 in seen[seen.index(502) :]

    await eventually(has_been_both)


async def test_slow_start(client: httpx.AsyncClient) -> None:
    """The first answer takes its time."""
    await client.put("/faults/users", json={"slow_start": {"ms": 300, "for_ms": 60_000}})
    started = time.monotonic()
    assert (await client.get("/users?limit=1")).status_code == 200
    # It is less the later the question comes: half of it after 30 s.
    assert time.monotonic() - started >= 0.15
