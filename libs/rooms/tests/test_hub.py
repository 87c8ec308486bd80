"""Delivery to the members of a room: in order, each message once, whatever becomes of the announcements."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chassis import bus, database
from chassis.errors import NotFound
from rooms import access, events, names
from rooms.access import RoomAccess
from rooms.hub import Hub, RoomRestarted
from rooms.models import Room
from testing.database import count_queries, in_scope
from testing.rooms import MakeRoom
from testing.waiting import eventually

from .hub_members import Recorder, announce, idle_hub, member, quick_hub, store


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    """A hub that asks for heads again and again."""
    hub = quick_hub()
    async with hub.running():
        yield hub


@pytest_asyncio.fixture
async def idle() -> AsyncIterator[Hub]:
    """A hub that asks for heads only if it is told of a gap."""
    hub = idle_hub()
    async with hub.running():
        yield hub


async def until(recorder: Recorder, count: int) -> None:
    """Wait until it has so many messages, which must be the first ones in order."""
    await eventually(lambda: len(recorder.seqs) >= count, what=f"{count} messages, not {recorder.seqs}")
    assert recorder.seqs == list(range(1, count + 1))


async def test_announced(hub: Hub, room: RoomAccess) -> None:
    """An announced message reaches everybody, as the same bytes."""
    (one, first), (other, second) = await member(hub, room), await member(hub, room)
    await announce(await store(room))
    await until(one, 1)
    await until(other, 1)
    assert one.frames[0] is other.frames[0]
    await hub.leave(first)
    await hub.leave(second)


async def test_posted_here(hub: Hub, room: RoomAccess) -> None:
    """What this process stored its members have before anything came from the bus, and once."""
    recorder, seat = await member(hub, room)
    first, second = await store(room, 2)
    hub.posted(room.id, first)
    assert recorder.seqs == [1]
    hub.posted(room.id, second)
    await announce([first, second])
    await events.notify(room.name, "after")
    await eventually(lambda: recorder.events == [events.NOTICE])
    assert recorder.seqs == [1, 2]
    await hub.leave(seat)


@pytest.mark.parametrize("seed", range(5))
async def test_announcements_lost_repeated_and_shuffled(hub: Hub, room: RoomAccess, seed: int) -> None:
    """Whatever becomes of the announcements, everybody gets every message once, in order."""
    chance = random.Random(seed)
    recorder, seat = await member(hub, room)
    stored = await store(room, 30)
    heard = [message for message in stored for _ in range(chance.choice([0, 1, 1, 2]))]
    chance.shuffle(heard)
    await announce(heard)
    await until(recorder, 30)
    await hub.leave(seat)


async def test_joining_while_others_write(hub: Hub, room: RoomAccess) -> None:
    """Members that come at any time have no hole and no duplicate between history and what is live."""
    chance = random.Random(1)

    async def write() -> None:
        for _ in range(60):
            [message] = await store(room)
            if chance.random() < 0.7:
                hub.posted(room.id, message)

    writing = asyncio.create_task(write())
    joined = []
    while not writing.done():
        joined.append(await member(hub, room))
        for _ in range(chance.randrange(20)):
            await asyncio.sleep(0)
    for recorder, seat in joined:
        await until(recorder, 60)
        await hub.leave(seat)


async def test_gap_is_read_once(idle: Hub, room: RoomAccess) -> None:
    """A lost announcement costs one read, however many members there are."""
    joined = [await member(idle, room) for _ in range(50)]
    stored = await store(room, 3)
    with count_queries() as queries:
        await announce(stored[2:])
        for recorder, _ in joined:
            await until(recorder, 3)
    assert len(queries) == 1
    for _, seat in joined:
        await idle.leave(seat)


async def test_overtaken_is_not_read(idle: Hub, room: RoomAccess) -> None:
    """An announcement that another one has overtaken is waited for, and costs no read."""
    recorder, seat = await member(idle, room)
    first, second = await store(room, 2)
    with count_queries() as queries:
        idle.posted(room.id, second)
        idle.posted(room.id, first)
        assert recorder.seqs == [1, 2]
        await eventually(lambda: seat.feed._filling is None, what="the fill had nothing to do")
    assert not queries
    await idle.leave(seat)


async def test_heads_of_all_rooms_in_one_query(idle: Hub, make_room: MakeRoom) -> None:
    """What nobody announced comes all the same, found by one query for all rooms."""
    rooms = [await make_room() for _ in range(5)]
    joined = [await member(idle, room) for room in rooms]
    for room in rooms:
        await store(room)
    with count_queries() as queries:
        await idle._ask_for_heads()
        assert len(queries) == 1
    for recorder, seat in joined:
        await until(recorder, 1)
        await idle.leave(seat)


async def test_gap_on_the_bus(idle: Hub, room: RoomAccess) -> None:
    """Where the layer has lost something the heads are asked for at once."""
    recorder, seat = await member(idle, room)
    await store(room)

    async def found() -> bool:
        await bus.publish(names.group(room.name), bus.Event(bus.GAP, {}))
        return bool(recorder.seqs)

    await eventually(found)
    await idle.leave(seat)


async def test_room_without_members_is_forgotten(hub: Hub, room: RoomAccess) -> None:
    """The last to leave takes everything along."""
    seats = [(await member(hub, room))[1] for _ in range(3)]
    for seat in seats:
        assert hub._feeds
        await hub.leave(seat)
    assert not hub._feeds
    assert names.group(room.name) not in bus.inbox._handlers


async def test_deleted_room(hub: Hub, room: RoomAccess) -> None:
    """Everybody is told that the room is gone, and nobody can join it."""
    recorder, seat = await member(hub, room)
    await in_scope(Room.async_objects.filter(pk=room.id).adelete())
    await eventually(lambda: isinstance(recorder.removal, NotFound))
    with pytest.raises(NotFound):
        await member(hub, room)
    await hub.leave(seat)
    assert not hub._feeds


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rooms_room SET epoch = gen_random_uuid() WHERE id = %s",
        "UPDATE rooms_room SET last_seq = 1 WHERE id = %s",
    ],
    ids=["epoch", "numbers went back"],
)
async def test_restarted_room(hub: Hub, room: RoomAccess, change: str) -> None:
    """A room whose numbers started over sends everybody away, and who comes back finds it as it is now."""
    await store(room, 2)
    recorder, seat = await member(hub, room)
    await in_scope(_execute("DELETE FROM rooms_message WHERE room_id = %s AND seq > 1", room.id))
    await in_scope(_execute(change, room.id))
    await eventually(lambda: isinstance(recorder.removal, RoomRestarted))
    again, new_seat = await member(hub, await entered(room))
    assert again.seqs == [1]
    await hub.leave(seat)
    [message] = await store(room)
    hub.posted(room.id, message)
    assert again.seqs == [1, message.seq]
    await hub.leave(new_seat)


async def test_join_with_an_epoch_that_is_over(hub: Hub, room: RoomAccess) -> None:
    """Whoever entered the room before its numbers started over has to come again."""
    await in_scope(_execute("UPDATE rooms_room SET epoch = gen_random_uuid() WHERE id = %s", room.id))
    with pytest.raises(RoomRestarted):
        await member(hub, room)
    _, seat = await member(hub, await entered(room))
    with pytest.raises(RoomRestarted):
        await member(hub, room)
    await hub.leave(seat)


async def test_messages_that_were_deleted(hub: Hub, room: RoomAccess) -> None:
    """A message that is not there any more holds up nothing that follows it."""
    recorder, seat = await member(hub, room)
    stored = await store(room, 3)
    await in_scope(_execute("DELETE FROM rooms_message WHERE room_id = %s AND seq < 3", room.id))
    await announce(stored[2:])
    await eventually(lambda: recorder.seqs == [3])
    await in_scope(_execute("UPDATE rooms_room SET last_seq = 5 WHERE id = %s", room.id))
    await eventually(lambda: seat.feed.seq == 5)
    hub.posted(room.id, (await store(room))[0])
    assert recorder.seqs == [3, 6]
    await hub.leave(seat)


async def test_read_that_fails(idle: Hub, room: RoomAccess) -> None:
    """A read that fails ends nothing: the next look at the heads repeats it."""
    recorder, seat = await member(idle, room)
    await store(room)
    await in_scope(_execute("ALTER TABLE rooms_message RENAME TO rooms_message_away"))
    try:
        seat.feed.behind(1)
        filling = seat.feed._filling
        assert filling is not None
        await asyncio.wait({filling})
        assert filling.exception() is not None
    finally:
        await in_scope(_execute("ALTER TABLE rooms_message_away RENAME TO rooms_message"))
    assert recorder.seqs == []
    await idle._ask_for_heads()
    await until(recorder, 1)
    await idle.leave(seat)


async def entered(room: RoomAccess) -> RoomAccess:
    """The room as somebody finds it who comes now."""
    return await in_scope(access.enter(room.name, 1))


async def _execute(sql: str, *params: object) -> None:
    async with await database.async_connections["default"].cursor() as cursor:
        await cursor.execute(sql, params)
