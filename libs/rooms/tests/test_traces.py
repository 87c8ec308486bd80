"""The way of a message, for the demo: by whom, when, and how it came to the members of a process."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from accounts.models import User
from rooms import events
from rooms.access import RoomAccess
from rooms.hub import Hub, traces
from rooms.messages import Posted
from rooms.senders import from_user
from testing.rooms import MakeRoom
from testing.waiting import eventually

from .hub_members import member, post, quick_hub


@pytest_asyncio.fixture
async def hub(settings: Any) -> AsyncIterator[Hub]:
    """A hub of the demo; nothing was traced before."""
    settings.DEMO, settings.SERVICE = True, "realtime-1"
    traces.recent.clear()
    hub = quick_hub()
    async with hub.running():
        yield hub


def told(room: RoomAccess, posted: Posted) -> None:
    """Announce a message as the process that stored it does."""
    events.announce_message(posted.message, traces.origin(room, posted))


async def test_announced(hub: Hub, room: RoomAccess) -> None:
    """By an announcement: the poster's two times, this process's two, and for how many members."""
    _, seat = await member(hub, room)
    told(room, await post(room))
    await eventually(lambda: len(traces.recent) == 1)
    [trace] = traces.recent
    assert (trace.room, trace.seq, trace.way, trace.members) == (room.name, 1, "redis", 1)
    assert trace.origin is not None
    assert trace.heard is not None
    assert trace.origin.by == "realtime-1"
    assert trace.origin.started <= trace.origin.stored <= trace.heard <= trace.delivered
    await hub.leave(seat)


async def test_posted_here(hub: Hub, room: RoomAccess) -> None:
    """What the process stored itself did not go over Redis."""
    _, seat = await member(hub, room)
    posted = await post(room)
    hub.posted(room.id, posted.message, traces.origin(room, posted))
    assert [trace.way for trace in traces.recent] == ["own"]
    await hub.leave(seat)


async def test_found(hub: Hub, room: RoomAccess) -> None:
    """What nobody announced is found in PostgreSQL, and says so."""
    _, seat = await member(hub, room)
    await post(room)
    await eventually(lambda: len(traces.recent) == 1)
    [trace] = traces.recent
    assert (trace.way, trace.origin, trace.heard) == ("fill", None, None)
    await hub.leave(seat)


async def test_not_of_private_rooms(hub: Hub, make_room: MakeRoom, ada: User) -> None:
    """A private room leaves no trace, not even its name."""
    room = await make_room(public=False, member=ada)
    recorder, seat = await member(hub, room)
    told(room, await post(room, from_user(ada)))
    await eventually(lambda: recorder.seqs == [1])
    assert not traces.recent
    await hub.leave(seat)


async def test_only_in_the_demo(hub: Hub, room: RoomAccess, settings: Any) -> None:
    """Anywhere else nothing is sent along and nothing is kept."""
    settings.DEMO = False
    recorder, seat = await member(hub, room)
    posted = await post(room)
    assert traces.origin(room, posted) is None
    told(room, posted)
    await eventually(lambda: recorder.seqs == [1])
    assert not traces.recent
    await hub.leave(seat)


async def test_a_repeated_post_has_no_origin(hub: Hub, room: RoomAccess) -> None:
    """It was stored before: the times of the second try are not the message's."""
    posted = await post(room)
    again = await post(room, client_id=posted.message.id)
    assert (again.created, traces.origin(room, again)) == (False, None)


async def test_an_older_release_is_understood(hub: Hub, room: RoomAccess) -> None:
    """An announcement without an origin is delivered all the same."""
    recorder, seat = await member(hub, room)
    posted = await post(room)
    events.announce_message(posted.message)
    await eventually(lambda: recorder.seqs == [1])
    assert [(trace.way, trace.origin) for trace in traces.recent] == [("redis", None)]
    await hub.leave(seat)
