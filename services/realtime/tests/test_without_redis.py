"""Processes whose Redis is away, or takes connections and never answers: what they can do by themselves, they do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from accounts.models import User
from rooms.access import RoomAccess
from testing.people import ticket

from .processes import Process, all_running, client, listening_socket, running
from .test_message_limits import posts

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("database"), pytest.mark.slow]


@pytest.fixture(scope="module")
def frozen() -> Iterator[socket.socket]:
    """A Redis that takes connections and never answers."""
    with listening_socket() as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def pair(_test_database: None, frozen: socket.socket) -> AsyncIterator[list[Process]]:
    """Two processes with that Redis."""
    url = f"redis://127.0.0.1:{frozen.getsockname()[1]}/0"
    env = {"REDIS_URL": url, "MAX_SOCKETS_PER_USER": "1", "USER_MESSAGE_RATE": "3/hour"}
    async with all_running(env, env) as processes:
        yield processes


async def entry(user: User, room: RoomAccess) -> dict[str, Any]:
    """How a user enters a room, once."""
    return {"subprotocols": ["millrace.v1", f"ticket.{await ticket(user, room)}"]}


async def test_redis_away(room: RoomAccess) -> None:
    """Without Redis: no presence, but history, posting, acknowledgements and one's own messages."""
    async with running(REDIS_URL="redis://127.0.0.1:1/0") as process, client(process.port, room.name) as connected:
        assert (await connected.post("no Redis"))["seq"] == 1
        assert (await connected.next("message"))["message"] == "no Redis"
    assert await process.ended() == 0


async def test_redis_frozen(pair: list[Process], room: RoomAccess) -> None:
    """A Redis that never answers holds up no client for ever."""
    async with client(pair[0].port, room.name) as connected:
        assert (await connected.post("frozen"))["seq"] == 1
        assert (await connected.next("message"))["message"] == "frozen"


async def test_message_rates(pair: list[Process], room: RoomAccess, ada: User) -> None:
    """A process keeps the limit by itself, and posts are not held up."""
    async with client(pair[0].port, room.name, **await entry(ada, room)) as one:
        assert [await posts(one) for _ in range(5)] == [True] * 3 + [False] * 2


async def test_places(pair: list[Process], room: RoomAccess, ada: User) -> None:
    """Each process counts the sockets of a user for itself."""
    async with (
        client(pair[0].port, room.name, **await entry(ada, room)) as here,
        client(pair[1].port, room.name, **await entry(ada, room)) as there,
    ):
        await asyncio.gather(here.next("synced"), there.next("synced"))
        async with client(pair[0].port, room.name, **await entry(ada, room)) as more:
            assert await more.closed() == 4029
