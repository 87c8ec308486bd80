"""Joining: the newest messages, or everything after a place; no hole and no duplicate while others write."""

import asyncio
import uuid

import pytest
from django.utils import timezone

from chassis import database
from realtime import history
from rooms import events, messages, senders
from rooms.access import RoomAccess
from rooms.models import Message, Room
from testing.database import in_scope

from .conftest import Connect, current


async def fill(room: RoomAccess, count: int) -> None:
    """Store `count` messages, `m1` and so on, at once."""
    rows = [
        Message(
            room_id=room.id, seq=seq, sender="guest:x", username="x", client_id=uuid.uuid4(), body=f"m{seq}",
            created_at=timezone.now(),
        )
        for seq in range(1, count + 1)
    ]  # fmt: skip
    await in_scope(Message.async_objects.abulk_create(rows))
    await in_scope(Room.async_objects.filter(pk=room.id).aupdate(last_seq=count))


async def test_newest_fifty(connect: Connect, room: RoomAccess) -> None:
    """Without a place: the newest 50 messages in order, then `synced` with the last number and the epoch."""
    await fill(room, 53)
    *past, synced = await (await connect(room.name)).until("synced")
    assert [frame["seq"] for frame in past] == list(range(4, 54))
    assert synced == {"type": "synced", "room": room.name, "seq": 53, "epoch": str(room.epoch)}


async def test_resume(connect: Connect, room: RoomAccess) -> None:
    """`since` and `epoch`: all that follows, over more than one page, and nothing else."""
    count = messages.PAGE + 3
    await fill(room, count)
    *past, synced = await (await connect(room.name, f"since=2&epoch={room.epoch}")).until("synced")
    assert [frame["seq"] for frame in past] == list(range(3, count + 1))
    assert synced["seq"] == count


async def test_resume_at_the_head(connect: Connect, room: RoomAccess) -> None:
    """Nothing was missed: `synced` at once, and the next message follows it."""
    await fill(room, 3)
    socket = await connect(room.name, f"since=3&epoch={room.epoch}")
    assert (await socket.frame())["type"] == "synced"
    assert (await socket.post("four"))["seq"] == 4


@pytest.mark.parametrize(
    "query",
    [
        "since=4&epoch={epoch}",
        "since=2&epoch=5f0c1b1e-0000-4000-8000-000000000000",
        "since=2",
        "epoch={epoch}",
        "since=&epoch={epoch}",
        "since=-1&epoch={epoch}",
        "since=2x&epoch={epoch}",
        "since=%C2%B2&epoch={epoch}",
        "since=99999999999999999999&epoch={epoch}",
        "since=2&epoch=nonsense",
    ],
)
async def test_place_that_does_not_exist(connect: Connect, room: RoomAccess, query: str) -> None:
    """A place that this room never had: `resync_required`, then the newest history as for a newcomer."""
    await fill(room, 3)
    frames = await (await connect(room.name, query.format(epoch=room.epoch))).until("synced")
    assert frames[0] == {"type": "resync_required", "room": room.name, "epoch": str(room.epoch)}
    assert [frame["seq"] for frame in frames[1:]] == [1, 2, 3, 3]


async def test_messages_that_are_gone(connect: Connect, room: RoomAccess) -> None:
    """A room whose old messages were deleted starts at its number, so the next message is not taken for a gap."""
    await in_scope(Room.async_objects.filter(pk=room.id).aupdate(last_seq=7))
    socket = await connect(room.name)
    assert (await socket.frame())["seq"] == 7
    assert (await socket.post("eight"))["seq"] == 8


async def test_no_hole_and_no_duplicate(connect: Connect, room: RoomAccess) -> None:
    """Whoever joins while others write sees every number once and in order."""
    count, sender = 60, senders.new_guest()

    async def write() -> None:
        for number in range(count):
            async with database.connection():
                posted = await messages.post(room, sender, uuid.uuid4(), f"m{number}")
            events.announce_message(posted.message)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write())
        sockets = [await connect(room.name, f"since=0&epoch={room.epoch}") for _ in range(5)]
    for socket in sockets:
        seen: list[int] = []
        while not seen or seen[-1] < count:
            seen.append((await socket.next("message"))["seq"])
        assert seen == list(range(1, count + 1))


async def test_epoch_is_the_rooms(room: RoomAccess) -> None:
    """`start` takes the epoch in any form of a UUID."""
    entered = await current(room)
    assert history.start({"since": "0", "epoch": entered.epoch.hex.upper()}, entered) == 0
