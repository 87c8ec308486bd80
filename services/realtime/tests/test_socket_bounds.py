"""How old a socket may be."""

import pytest

from rooms.access import RoomAccess

from .processes import client, running

pytestmark = pytest.mark.timeout(180)


async def test_maximum_age(room: RoomAccess) -> None:
    """A socket that is too old is closed with 4016, and the next one goes on where it was."""
    async with running(MAX_SOCKET_AGE="3") as process:
        async with client(process.port, room.name) as old:
            synced = await old.next("synced")
            assert (await old.post("before"))["seq"] == 1
            assert await old.closed() == 4016
        query = f"?since=0&epoch={synced['epoch']}"
        async with client(process.port, room.name, query) as new:
            assert (await new.next("message"))["message"] == "before"
