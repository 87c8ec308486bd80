"""What members that join are given: from memory where it is there, and read once for all of them where it is not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chassis import bus
from rooms import events
from rooms.access import RoomAccess
from rooms.hub import NEWEST, Hub
from rooms.hub import hub as hub_module
from rooms.hub import seat as seat_module
from rooms.hub.tail import MAX_COUNT
from rooms.messages import PAGE
from testing.database import count_queries
from testing.waiting import eventually

from .hub_members import Recorder, announce, idle_hub, member, store


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    """A hub that asks for nothing by time, so that the reads of a test can be counted."""
    hub = idle_hub()
    async with hub.running():
        yield hub


async def joined(hub: Hub, room: RoomAccess, count: int, since: int | None) -> list[Recorder]:
    """So many members that join at once, have read all there is, and left."""
    members = await asyncio.gather(*(member(hub, room, since) for _ in range(count)))
    for _, seat in members:
        await hub.leave(seat)
    return [recorder for recorder, _ in members]


async def test_newest(hub: Hub, room: RoomAccess) -> None:
    """Without a place a member starts with the newest messages."""
    await store(room, NEWEST + 3)
    [recorder] = await joined(hub, room, 1, None)
    assert recorder.seqs == list(range(4, NEWEST + 4))


async def test_newest_of_a_short_tail(hub: Hub, room: RoomAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory holds fewer, they are read."""
    await store(room, 3)
    _, seat = await member(hub, room)
    seat.feed.tail._max_count = 1
    await announce(await store(room))
    await eventually(lambda: seat.feed.seq == 4)
    recorder, other = await member(hub, room, None)
    assert recorder.seqs == [1, 2, 3, 4]
    await hub.leave(seat)
    await hub.leave(other)


async def test_empty_room(hub: Hub, room: RoomAccess) -> None:
    """Nothing was said yet: live at once."""
    [recorder] = await joined(hub, room, 1, None)
    assert recorder.seqs == []


async def test_everybody_comes_back_at_once(hub: Hub, room: RoomAccess) -> None:
    """A hundred members that missed a little cost two reads: the head and the newest messages."""
    await store(room, 20)
    with count_queries() as queries:
        recorders = await joined(hub, room, 100, 5)
    assert all(recorder.seqs == list(range(6, 21)) for recorder in recorders)
    assert len(queries) == 2


async def test_everybody_comes_back_after_a_long_time(hub: Hub, room: RoomAccess) -> None:
    """A hundred members that missed more than memory holds share each page."""
    count = MAX_COUNT + PAGE + 10
    await store(room, count)
    with count_queries() as queries:
        recorders = await joined(hub, room, 100, 2)
    assert all(recorder.seqs == list(range(3, count + 1)) for recorder in recorders)
    # The head, the newest messages, and two pages before them.
    assert len(queries) == 4


async def test_shared_page_that_is_older_than_the_head(
    hub: Hub, room: RoomAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who shares a page that was asked for before a message came is not taken to have that message."""
    await store(room, 2)
    _, first = await member(hub, room)
    first.feed.tail._max_count = 0
    [third] = await store(room)
    hub.posted(room.id, third)
    # Every read waits from here on, as in front of a busy database.
    for _ in range(hub_module.MAX_READS):
        await hub._gate.acquire()
    early = asyncio.create_task(member(hub, room, 0))
    await eventually(lambda: 0 in first.feed.reading._under_way)
    [fourth] = await store(room)
    hub.posted(room.id, fourth)
    late = asyncio.create_task(member(hub, room, 0))
    await eventually(lambda: len(first.feed.seats) == 3)
    for _ in range(hub_module.MAX_READS):
        hub._gate.release()
    for task in (early, late):
        recorder, seat = await task
        assert recorder.seqs == [1, 2, 3, 4]
        await hub.leave(seat)
    await hub.leave(first)


async def test_member_that_is_ahead(hub: Hub, room: RoomAccess) -> None:
    """Who heard messages from another process before this one did is not given them again."""
    watcher, first = await member(hub, room)
    stored = await store(room, 3)
    recorder, seat = await member(hub, room, 2)
    assert seat.seq == 2
    await announce(stored)
    await eventually(lambda: len(watcher.seqs) == 3)
    assert (watcher.seqs, recorder.seqs) == ([1, 2, 3], [3])
    await hub.leave(first)
    await hub.leave(seat)


async def test_live_while_another_reads(hub: Hub, room: RoomAccess) -> None:
    """A member that takes its time over history holds up nobody, and gets what came meanwhile after it."""
    await store(room, 3)
    slow = Recorder()
    seat = await hub.join(room, slow)
    reading = seat.catch_up(0)
    slow.message(await anext(reading))
    quick, other = await member(hub, room)
    hub.posted(room.id, (await store(room))[0])
    assert (quick.seqs, slow.seqs) == ([1, 2, 3, 4], [1])
    async for frame in reading:
        slow.message(frame)
    assert slow.seqs == [1, 2, 3, 4]
    await hub.leave(seat)
    await hub.leave(other)


async def test_events_while_joining_are_held(hub: Hub, room: RoomAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens while a member reads comes when it is ready for it, the newest of too many."""
    monkeypatch.setattr(seat_module, "MAX_HELD", 2)
    watcher, first = await member(hub, room)
    recorder = Recorder()
    seat = await hub.join(room, recorder)
    for name in (events.JOINED, events.LEFT, events.TYPING):
        assert await bus.publish(f"room.{room.name}", bus.Event(name, {"username": "ada"}))
    await eventually(lambda: len(watcher.events) == 3)
    assert recorder.events == []
    await recorder.read(seat)
    assert recorder.events == [events.LEFT, events.TYPING]
    await hub.leave(first)
    await hub.leave(seat)


async def test_one_of_those_who_wait_goes_away(hub: Hub, room: RoomAccess) -> None:
    """The member that asked first leaves before the answer; the one that waits with it joins."""
    for _ in range(hub_module.MAX_READS):
        await hub._gate.acquire()
    first, second = (asyncio.create_task(member(hub, room)) for _ in range(2))
    await eventually(lambda: room.id in hub._feeds and len(hub._feeds[room.id].seats) == 2)
    first.cancel()
    await asyncio.wait({first})
    for _ in range(hub_module.MAX_READS):
        hub._gate.release()
    _, seat = await second
    await hub.leave(seat)
    assert not hub._feeds
