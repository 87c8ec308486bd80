"""Rooms that are made when they are opened, and removed when they have been empty for long."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from chassis.database import fetch_all
from chassis.errors import Error, NotFound, TooManyRequests, Unauthorized
from chassis.gcra import Rates
from rooms import access, limits, memberships, messages, on_demand, senders
from rooms.access import RoomAccess
from rooms.hub import Hub
from rooms.models import Message, Room
from testing.database import in_scope, in_thread
from testing.rooms import MakeRoom
from testing.waiting import eventually

from .hub_members import Recorder

HERE, THERE = "192.0.2.1", "192.0.2.2"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "rates", Rates(f"test:{uuid.uuid4().hex}"))
    settings.ROOMS_ON_DEMAND = settings.ALLOW_GUESTS = True


async def stored() -> list[str]:
    """The names of all rooms."""
    return [name for (name,) in await fetch_all("SELECT name FROM rooms_room ORDER BY name")]


async def refusal(name: str, user_id: int | None = None) -> type[Error]:
    """The error that opening a room raises; no room was made."""
    before = await stored()
    with pytest.raises(Error) as caught:
        await on_demand.open_room(name, user_id, HERE)
    assert await stored() == before
    return caught.type


async def test_a_guest_and_a_user_make_a_public_room(ada: User) -> None:
    """It is called like its name, is empty, and is entered like any other from then on."""
    for name, user_id in (("of_a_guest", None), ("of_a_user", ada.pk)):
        room = await on_demand.open_room(name, user_id, HERE)
        assert (room.name, room.title, room.public, room.last_seq) == (name, name, True, 0)
        assert await access.enter(name, ada.pk) == room
        assert await on_demand.open_room(name, None, THERE) == room
    made = await in_scope(Room.async_objects.aget(name="of_a_guest"))
    assert made.on_demand
    assert (await messages.post(room, senders.from_user(ada), uuid.uuid4(), "hi")).message.seq == 1


async def test_off(database: None, ada: User, settings: Any) -> None:
    """Without the setting opening a room that does not exist changes nothing."""
    settings.ROOMS_ON_DEMAND = False
    assert await refusal("nowhere", ada.pk) is NotFound


@pytest.mark.parametrize("name", ["a b", "a\n", "", "x" * 65, "räum"])
async def test_a_name_that_is_not_valid(database: None, name: str) -> None:
    """No room is made of it."""
    assert await refusal(name) is NotFound


async def test_a_guest_if_guests_are_not_admitted(database: None, ada: User, settings: Any) -> None:
    """They make no room, and may not enter one that a user made."""
    settings.ALLOW_GUESTS = False
    assert await refusal("nowhere") is NotFound
    await on_demand.open_room("nowhere", ada.pk, HERE)
    assert await refusal("nowhere") is Unauthorized


async def test_twenty_at_once_make_one_room(database: None, settings: Any) -> None:
    """All of them are in it, and what one address made together counts as one room."""
    settings.ROOMS_ON_DEMAND_ADDRESS_RATE = "2/hour"
    rooms = await asyncio.gather(*(on_demand.open_room("crowd", None, HERE) for _ in range(20)))
    assert len(set(rooms)) == 1
    await on_demand.open_room("another", None, HERE)
    assert await stored() == ["another", "crowd"]
    assert await refusal("one_more") is TooManyRequests


async def test_twenty_addresses_at_once_make_one_room(database: None) -> None:
    """As twenty processes would: one statement makes it, and the others find it."""
    opening = (on_demand.open_room("crowd", None, f"192.0.2.{number}") for number in range(20))
    assert len(set(await asyncio.gather(*opening))) == 1
    assert await stored() == ["crowd"]


async def test_the_rate_of_a_user(database: None, ada: User, settings: Any) -> None:
    """A user has a number of rooms made, from whatever address; rooms that exist cost nothing."""
    settings.ROOMS_ON_DEMAND_RATE = "2/hour"
    for name, address in (("one", HERE), ("two", THERE), ("one", HERE)):
        await on_demand.open_room(name, ada.pk, address)
    assert await refusal("three", ada.pk) is TooManyRequests
    await on_demand.open_room("three", None, HERE)
    await on_demand.open_room("three", ada.pk, HERE)


async def test_the_rate_of_an_address(database: None, ada: User, settings: Any) -> None:
    """Guests and users behind one address count together; the error says how long to wait."""
    settings.ROOMS_ON_DEMAND_ADDRESS_RATE = "2/hour"
    await on_demand.open_room("one", None, HERE)
    await on_demand.open_room("two", ada.pk, HERE)
    with pytest.raises(TooManyRequests, match="Too many new rooms") as refused:
        await on_demand.open_room("three", None, HERE)
    assert 1700 < refused.value.retry_after <= 1800
    await on_demand.open_room("three", None, THERE)


async def test_the_cap(make_room: MakeRoom, settings: Any) -> None:
    """No more rooms than that are made this way; others do not count, and those that exist can be opened."""
    settings.ROOMS_ON_DEMAND_MAX = 2
    await make_room()
    await on_demand.open_room("one", None, HERE)
    await on_demand.open_room("two", None, HERE)
    with pytest.raises(TooManyRequests, match=r"ROOMS_ON_DEMAND_MAX \(2\) exist already"):
        await on_demand.open_room("three", None, HERE)
    await on_demand.open_room("one", None, HERE)


async def aged(name: str, by: timedelta = 2 * DAY, *, made: bool = True) -> RoomAccess:
    """A room, made on demand if `made`, that has been empty for so long."""
    room = await in_scope(
        Room.async_objects.acreate(name=name, title=name, on_demand=made, used_at=timezone.now() - by)
    )
    return await access.enter(room.name, None)


async def post(room: RoomAccess, ago: timedelta) -> None:
    """A message that was posted so long ago."""
    posted = await messages.post(room, senders.new_guest(), uuid.uuid4(), "hi")
    rows = Message.async_objects.filter(room_id=room.id, seq=posted.message.seq)
    await in_scope(rows.aupdate(created_at=timezone.now() - ago))


async def test_what_is_removed(database: None, ada: User) -> None:
    """A room made on demand that has no member, and has had neither people nor messages for a day; messages go too."""
    await aged("empty")
    await post(await aged("once_busy"), 2 * DAY)
    await aged("kept", made=False)
    await aged("left_lately", DAY)
    busy = await aged("busy")
    await post(busy, 2 * DAY)
    await post(busy, timedelta(hours=23))
    await aged("with_a_member")
    await memberships.add("with_a_member", ada.username)
    assert await in_thread(on_demand.remove_empty) == on_demand.Removed(rooms=2, messages=1)
    assert await stored() == ["busy", "kept", "left_lately", "with_a_member"]
    assert await in_thread(on_demand.remove_empty) == on_demand.Removed(0, 0)


async def test_more_rooms_than_one_batch(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them go."""
    monkeypatch.setattr(on_demand, "BATCH", 2)
    for number in range(5):
        await aged(f"room_{number}")
    assert (await in_thread(on_demand.remove_empty)).rooms == 5


async def test_opening_a_room_keeps_it(database: None) -> None:
    """Opening it marks it as used, which the next removal sees."""
    room = await aged("old")
    assert room.stale
    assert (await on_demand.open_room("old", None, HERE)).id == room.id
    assert not (await access.enter("old", None)).stale
    assert (await in_thread(on_demand.remove_empty)).rooms == 0


async def test_members_keep_their_room(database: None) -> None:
    """A process marks the rooms that have members there, sockets and streams alike."""
    hub = Hub(lambda _: b"")
    seat = await hub.join(await aged("occupied"), Recorder())
    await aged("empty")
    await hub.mark_used()
    assert (await in_thread(on_demand.remove_empty)).rooms == 1
    await hub.leave(seat)
    assert await stored() == ["occupied"]


@asynccontextmanager
async def removal(room: RoomAccess) -> AsyncIterator[None]:
    """The room's row is locked within the block, and the room is gone after it."""
    loop, locked, over = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def remove() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT FROM rooms_room WHERE id = %s FOR UPDATE", [room.id])
                loop.call_soon_threadsafe(locked.set)
                asyncio.run_coroutine_threadsafe(over.wait(), loop).result(30)
                cursor.execute("DELETE FROM rooms_room WHERE id = %s", [room.id])
        finally:
            connection.close()

    removing = asyncio.create_task(asyncio.to_thread(remove))
    await locked.wait()
    try:
        yield
    finally:
        over.set()
        await removing


async def someone_waits() -> bool:
    """True if a statement waits for a lock."""
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await fetch_all(waiting))


async def test_a_post_during_the_removal_is_refused(database: None) -> None:
    """It waits for the removal and then finds no room: it is not acknowledged."""
    room = await aged("going")
    async with removal(room):
        posting = asyncio.create_task(messages.post(room, senders.new_guest(), uuid.uuid4(), "hi"))
        await eventually(someone_waits, within=30)
    with pytest.raises(NotFound):
        await posting


async def test_opening_during_the_removal_makes_a_new_room(database: None) -> None:
    """The numbers of the new one start over, which its epoch tells clients that were in the old one."""
    room = await aged("going")
    async with removal(room):
        opening = asyncio.create_task(on_demand.open_room("going", None, HERE))
        await eventually(someone_waits, within=30)
    opened = await opening
    assert opened.id != room.id
    assert opened.epoch != room.epoch


async def test_a_room_in_which_something_happens_is_left(database: None) -> None:
    """The removal passes over a row that another transaction has locked, instead of waiting for it."""
    async with removal(await aged("busy")):
        assert await in_thread(on_demand.remove_empty) == on_demand.Removed(0, 0)


async def test_the_former_release_goes_on_making_rooms(database: None) -> None:
    """Its statements do not name the new columns: during a rolling release its rooms are kept."""
    await fetch_all(
        "INSERT INTO rooms_room (name, title, public, last_seq, epoch, created_at)"
        " VALUES ('former', 'Former', true, 0, gen_random_uuid(), now() - interval '9 days')"
    )
    assert not (await access.enter("former", None)).stale
    assert (await in_thread(on_demand.remove_empty)).rooms == 0


def run_command(name: str) -> tuple[list[str], list[str]]:
    """What a management command prints, and complains about."""
    output, errors = StringIO(), StringIO()
    call_command(name, stdout=output, stderr=errors)
    return output.getvalue().splitlines(), errors.getvalue().splitlines()


async def test_the_command(database: None) -> None:
    """It says in a line a table what it removed."""
    await post(await aged("old"), 2 * DAY)
    assert await in_thread(run_command, "remove_empty_rooms") == (["rooms: 1 deleted", "messages: 1 deleted"], [])
