"""Presence and places after a process was killed: what it held runs out, and what others hold stays."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from chassis.testing import eventually
from rooms.access import RoomAccess

from .conftest import MakeRoom, make_user, ticket
from .processes import Client, Process, client, listening_socket, running

pytestmark = pytest.mark.timeout(180)
LEASE = 6


@pytest_asyncio.fixture
async def pair(database: None, clean_redis: Any) -> AsyncIterator[list[Process]]:
    """Two processes whose leases run out soon, and two sockets for each user."""
    env = {"PRESENCE_LEASE": str(LEASE), "MAX_SOCKETS_PER_USER": "2"}
    async with running(**env) as one, running(**env) as two:
        yield [one, two]


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


async def test_presence(pair: list[Process], room: RoomAccess, ada: User) -> None:
    """Everybody of a killed process is told to have left, once, however many tabs; whoever has one elsewhere stays."""
    grace, (survivor, doomed) = await make_user("grace"), pair
    async with client(survivor.port, room.name) as watcher:
        await watcher.next("user_join")
        async with (
            client(survivor.port, room.name, **await entry(ada, room)) as kept,
            client(doomed.port, room.name, **await entry(ada, room)) as lost,
            client(doomed.port, room.name, **await entry(grace, room)) as tab,
            client(doomed.port, room.name, **await entry(grace, room)) as other_tab,
        ):
            await kept.next("presence")
            await lost.next("presence")
            await tab.next("presence")
            users = (await other_tab.next("presence"))["users"]
            assert {"username": "ada", "connections": 2} in users
            assert {"username": "grace", "connections": 2} in users
            await kill(doomed)
            assert (await watcher.next("user_leave"))["username"] == "grace"
            async with client(survivor.port, room.name, **await entry(grace, room)) as back:
                present = (await back.next("presence"))["users"]
            assert {"username": "ada", "connections": 1} in present
            assert {"username": "grace", "connections": 1} in present
            assert (await watcher.next("user_leave"))["username"] == "grace"
            async with client(survivor.port, room.name, **await entry(await make_user("alan"), room)) as last:
                await last.next("presence")
            # Nobody else was told to have left, neither her twice.
            assert (await watcher.next("user_leave"))["username"] == "alan"


async def test_places(pair: list[Process], make_room: MakeRoom, ada: User) -> None:
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
            await eventually(lambda: admitted(survivor, ada, two), within=10 * LEASE, what="the lease ran out")


async def admitted(process: Process, user: User, room: RoomAccess) -> bool:
    """True if the user gets another socket."""
    async with client(process.port, room.name, **await entry(user, room)) as connected:
        try:
            await connected.next("presence")
        except ConnectionClosed:
            assert await connected.closed() == 4029
            return False
    return True


async def test_places_without_redis(room: RoomAccess, ada: User) -> None:
    """Where Redis never answers each process counts for itself."""
    with listening_socket() as frozen:
        env = {"REDIS_URL": f"redis://127.0.0.1:{frozen.getsockname()[1]}/0", "MAX_SOCKETS_PER_USER": "1"}
        async with running(**env) as one, running(**env) as two:
            async with (
                client(one.port, room.name, **await entry(ada, room)) as here,
                client(two.port, room.name, **await entry(ada, room)) as there,
            ):
                await here.next("synced")
                await there.next("synced")
                async with client(one.port, room.name, **await entry(ada, room)) as more:
                    assert await more.closed() == 4029
