"""How old a socket may be, and how many a user may have."""

import asyncio
import uuid

import pytest

from accounts.models import User
from realtime import settings
from realtime.close_codes import CloseCode
from realtime.limits import Places, places
from rooms import events, messages, senders
from rooms.access import RoomAccess
from testing.database import in_scope
from testing.people import make_user
from testing.rooms import MakeRoom
from testing.waiting import DEADLINE, eventually

from .conftest import Connect, cookie
from .followers import Follower
from .processes import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def post(room: RoomAccess, text: str) -> None:
    """Store a message and tell the processes."""
    posted = await in_scope(messages.post(room, senders.new_guest(), uuid.uuid4(), text))
    events.announce_message(posted.message)


@pytest.mark.usefixtures("process")
async def test_maximum_age(room: RoomAccess) -> None:
    """A socket that is too old is closed with 4016, and the next one goes on where it was."""
    async with running(MAX_SOCKET_AGE="0.1") as service, asyncio.TaskGroup() as tasks:
        follower = Follower(room, service.port, service.port)
        following = tasks.create_task(follower.follow())
        await post(room, "before")
        await eventually(lambda: bool(follower.codes), within=DEADLINE, what="a socket was too old")
        await post(room, "after")
        await eventually(lambda: len(follower.seqs) >= 2, within=DEADLINE, what="both messages came")
        following.cancel()
    assert set(follower.codes) == {4016}
    assert follower.seqs == [1, 2]


async def test_maximum_number(
    connect: Connect, make_room: MakeRoom, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One socket too many is closed with 4029, in whatever room; a place is free again when another has left."""
    monkeypatch.setattr(settings, "MAX_SOCKETS_PER_USER", 2)
    one, two = await make_room(), await make_room()
    headers = await cookie(ada)
    first, second = await connect(one.name, **headers), await connect(two.name, **headers)
    await first.next("synced")
    await second.next("synced")
    assert await (await connect(one.name, **headers)).closed() == CloseCode.TOO_MANY_SOCKETS
    other = await connect(one.name, **await cookie(await make_user("grace")))
    await other.next("synced")
    await first.leave()
    again = await connect(one.name, **headers)
    await again.next("synced")
    for socket in (second, again, other):
        await socket.leave()
    await eventually(lambda: len(places) == 0, what="nothing is held any more")


def test_places() -> None:
    """A key that was refused holds no more than before."""
    made = Places()
    assert [made.take("ada", 2) for _ in range(3)] == [True, True, False]
    made.free("ada")
    assert (made.take("ada", 2), made.take("ada", 2)) == (True, False)
    made.free("ada")
    made.free("ada")
    assert len(made) == 0
