"""The end of a process: what it was doing is finished, and everybody is told to come back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from django_async_backend.db.transaction import async_atomic
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chassis import database
from rooms.access import RoomAccess
from testing.rooms import MakeRoom
from testing.waiting import eventually

from .processes import ADJUSTED, Client, Process, Proxy, all_running, client, database_url, listening_socket, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
# The environment of a process whose queries wait for as long as a test needs.
PATIENT = {"DATABASE_QUERY_TIMEOUT": "60"}
SOCKETS, PAUSE = 100, 0.01


async def closed_at(connected: Client) -> tuple[int | None, float]:
    """The code that it was closed with, and when; all frames before that are read."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connected.frame()
    return await connected.closed(), time.monotonic()


async def startup(process: Process, http: httpx.AsyncClient) -> httpx.Response:
    """Its startup, which asks the database until it has succeeded once."""
    return await http.get(f"http://127.0.0.1:{process.port}/health/startup", timeout=60)


@contextlib.asynccontextmanager
async def locked(table: str) -> AsyncIterator[None]:
    """What reads `table` waits, until the end of the block."""
    async with database.connection(), async_atomic():
        await database.fetch_all(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


async def waits_for(table: str) -> None:
    """Wait until a query waits for the lock of `table`; called in the block of `locked`."""
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::text::regclass"

    async def waits() -> bool:
        return bool((await database.fetch_all(sql, (table,)))[0][0])

    await eventually(waits, what=f"a query waits for {table}")


async def test_hundred_sockets(make_room: MakeRoom, clean_redis: Any) -> None:
    """Each of a hundred sockets is closed with 1012, one after the other; no presence is left, the status is 0."""
    rooms = [await make_room() for _ in range(10)]
    env = {"DRAIN_SECONDS": "60", "LONGEST_PAUSE": str(PAUSE)}
    async with running(None, ADJUSTED, **env) as process, AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(client(process.port, rooms[number % 10].name)) for number in range(SOCKETS)
        ]
        for connected in sockets:
            await connected.next("synced")
        closing = [asyncio.create_task(closed_at(connected)) for connected in sockets]
        began = time.monotonic()
        process.process.terminate()
        codes, times = zip(*await asyncio.gather(*closing), strict=True)
        assert set(codes) == {1012}
        # None before its turn; a machine that is slow makes them later only.
        assert all(at - began >= number * PAUSE for number, at in enumerate(sorted(times)))
        assert await process.ended() == 0
        assert await clean_redis.keys("presence:*") == []
        assert "socket.failed" not in process.text
        assert "Traceback" not in process.text


async def test_request_in_flight(room: RoomAccess) -> None:
    """A request that was being answered is answered; others accept from the shared socket meanwhile."""
    with listening_socket() as shared:
        async with (
            all_running(PATIENT, {"DRAIN_SECONDS": "60", **PATIENT}, shared=shared) as [_, ending],
            httpx.AsyncClient(trust_env=False) as http,
        ):
            async with locked("django_migrations"):
                slow = asyncio.create_task(startup(ending, http))
                await waits_for("django_migrations")
                ending.process.terminate()
                await ending.logged("server.draining")
                await eventually(lambda: refuses(ending.port), what="its own port is closed")
                for _ in range(4):
                    async with client(shared.getsockname()[1], room.name) as connected:
                        await connected.next("synced")
                assert not slow.done()
            response = await slow
            assert (response.status_code, response.headers["connection"]) == (200, "close")
            assert await ending.ended() == 0
        assert "server.drain_failed" not in ending.text


async def refuses(port: int) -> bool:
    """True if nobody listens at `port`."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


async def test_handshake_while_draining(room: RoomAccess) -> None:
    """A handshake that is not complete when its turn comes is refused with 503, and so is one that comes later."""
    async with running(**PATIENT) as process:
        late_reader, late = await asyncio.open_connection("127.0.0.1", process.port)
        async with locked("rooms_room"):
            waiting = asyncio.create_task(joined(process.port, room))
            await waits_for("rooms_room")
            process.process.terminate()
            with pytest.raises(InvalidStatus) as refused:
                await waiting
            assert refused.value.response.status_code == 503
            late.write(
                b"GET /ws/chat/lobby/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert (await late_reader.readline()).startswith(b"HTTP/1.1 503")
            late.close()
        assert await process.ended() == 0
        assert "Traceback" not in process.text


async def joined(port: int, room: RoomAccess) -> None:
    """Join the room and leave it."""
    async with client(port, room.name):
        pass


@contextlib.asynccontextmanager
async def held_up(**env: str) -> AsyncIterator[tuple[Process, Proxy]]:
    """A process that answers a request which waits for the database, which does not answer."""
    proxy = Proxy()
    await proxy.mend()
    env |= PATIENT | {"DATABASE_URL": database_url(proxy.port)}
    async with running(None, ADJUSTED, **env) as process:
        async with httpx.AsyncClient(trust_env=False) as http:
            async with locked("django_migrations"):
                slow = asyncio.create_task(startup(process, http))
                await waits_for("django_migrations")
                proxy.hold()
                yield process, proxy
            with contextlib.suppress(httpx.HTTPError):
                await slow
    proxy.release()
    await proxy.cut()


@pytest.mark.usefixtures("database")
async def test_second_signal() -> None:
    """A second signal ends the process without waiting for anything."""
    async with held_up(DRAIN_SECONDS="600") as (process, proxy):
        process.process.terminate()
        await process.logged("server.draining")
        process.process.terminate()
        await process.logged("server.stopping")
        # Giving back a database connection waits for the database.
        proxy.release()
        assert await process.ended() == 0


@pytest.mark.usefixtures("database")
async def test_what_does_not_end_is_cancelled() -> None:
    """A request that is never answered holds up the end for a bounded time only."""
    async with held_up(DRAIN_SECONDS="0", GRACE_SECONDS="0.1", CANCEL_SECONDS="0.1") as (process, _):
        process.process.terminate()
        assert await process.ended() == 0
