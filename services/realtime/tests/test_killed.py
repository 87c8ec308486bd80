"""Presence and places after a process was killed: what it held runs out, and what others hold stays."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from rooms.access import RoomAccess
from testing.people import make_user, ticket
from testing.rooms import MakeRoom

from .leases import LEASE_ENV, leases, run_out
from .processes import ADJUSTED, Client, Process, all_running, client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest_asyncio.fixture
async def pair(database: None, clean_redis: Any) -> AsyncIterator[list[Process]]:
    """Two processes that admit two sockets of each user; a test kills the second."""
    env = {"MAX_SOCKETS_PER_USER": "2", **LEASE_ENV}
    async with all_running(env, env, program=ADJUSTED) as processes:
        yield processes


async def entry(user: User, room: RoomAccess) -> dict[str, Any]:
    """How a user enters a room, once."""
    return {"subprotocols": ["millrace.v1", f"ticket.{await ticket(user, room)}"]}


async def kill(process: Process) -> None:
    """SIGKILL, and wait for the end."""
    process.process.kill()
    await process.ended()


async def told(watcher: Client, kind: str) -> list[str]:
    """Whose frames of a `type` come up to the watcher's next pong, which ends what came before."""
    await watcher.connection.send('{"type": "ping"}')
    names = []
    while (frame := await watcher.frame())["type"] != "pong":
        if frame["type"] == kind:
            names.append(frame["username"])
    return names


async def test_presence(pair: list[Process], room: RoomAccess, ada: User, clean_redis: Any) -> None:
    """Users of a killed process are told to have left, once, however many tabs; who has one elsewhere stays."""
    grace, (survivor, doomed) = await make_user("grace"), pair
    async with AsyncExitStack() as stack:

        async def enter(process: Process, user: User | None = None) -> Client:
            options = {} if user is None else await entry(user, room)
            entered = await stack.enter_async_context(client(process.port, room.name, **options))
            entered.present = (await entered.next("presence"))["users"]
            return entered

        watcher = await enter(survivor)
        await watcher.next("user_join")
        await enter(survivor, ada)
        alive = await leases(clean_redis, room)
        tabs = [await enter(doomed, user) for user in (ada, grace, grace)]
        assert {"username": "ada", "connections": 2} in tabs[-1].present
        assert {"username": "grace", "connections": 2} in tabs[-1].present
        left_behind = (await leases(clean_redis, room)).keys() - alive.keys()
        await kill(doomed)
        await run_out(clean_redis, room, left_behind)
        assert (await watcher.next("user_leave"))["username"] == "grace"
        back = await enter(survivor, grace)
        assert {"username": "ada", "connections": 1} in back.present
        assert {"username": "grace", "connections": 1} in back.present
        # No other user was told to have left, and she was told once.
        assert "user_leave" not in [frame["type"] for frame in await watcher.until("user_join", "grace")]
        await back.connection.close()
        assert (await watcher.next("user_leave"))["username"] == "grace"


async def test_places(pair: list[Process], make_room: MakeRoom, ada: User, clean_redis: Any) -> None:
    """A user's sockets count in all rooms and processes; those of a killed process stop counting with their leases."""
    one, two = await make_room(), await make_room()
    survivor, doomed = pair
    async with client(survivor.port, one.name, **await entry(ada, one)) as first:
        await first.next("presence")
        async with client(doomed.port, two.name, **await entry(ada, two)) as second:
            await second.next("presence")
            # One each: neither process would say so by itself.
            for process in pair:
                async with client(process.port, one.name, **await entry(ada, one)) as third:
                    assert await third.closed() == 4029
            assert await told(first, "user_leave") == [], "who was turned away had not come"
            await kill(doomed)
            assert not await admitted(survivor, ada, two)
            await run_out(clean_redis, two, await leases(clean_redis, two))
            assert await admitted(survivor, ada, two)


async def admitted(process: Process, user: User, room: RoomAccess) -> bool:
    """True if the user gets another socket."""
    async with client(process.port, room.name, **await entry(user, room)) as connected:
        try:
            await connected.next("presence")
        except ConnectionClosed:
            assert await connected.closed() == 4029
            return False
    return True
