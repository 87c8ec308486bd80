"""What is said on the bus about a room."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer

from chassis import bus
from rooms import events, messages, names, senders
from rooms.access import RoomAccess
from testing.database import in_scope

type Next = Callable[[], Awaitable[bus.Event | None]]


@pytest_asyncio.fixture
async def heard(room: RoomAccess) -> AsyncIterator[Next]:
    """Listens to the room: `await heard()` is the next event."""
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(names.group(room.name), channel)

    async def next_event() -> bus.Event | None:
        return bus.decode(await layer.receive(channel))

    yield next_event
    await layer.group_discard(names.group(room.name), channel)


async def test_message(room: RoomAccess, heard: Next) -> None:
    """An announced message arrives as it was stored."""
    posted = await in_scope(messages.post(room, senders.new_guest(), uuid.uuid4(), "hi"))
    events.announce_message(posted.message)
    event = await heard()
    assert event is not None
    assert (event.name, events.message_of(event)) == (events.MESSAGE, posted.message)


@pytest.mark.parametrize("name", [events.JOINED, events.LEFT, events.TYPING])
async def test_people(room: RoomAccess, heard: Next, name: str) -> None:
    """Coming, going and typing carry the name that others see."""
    events.announce(room.name, name, senders.Sender("user:1", "ada", 1))
    assert await heard() == bus.Event(name, {"username": "ada"}, names.group(room.name))


async def test_notice(room: RoomAccess, heard: Next) -> None:
    """A notice sent from sync code through `async_to_sync` arrives."""
    assert await sync_to_async(lambda: async_to_sync(events.notify)(room.name, "Tea"))()
    assert await heard() == bus.Event(events.NOTICE, {"notice": "Tea"}, names.group(room.name))


def test_malformed_message() -> None:
    """Data of another shape is a validation error, which readers ignore."""
    with pytest.raises(msgspec.ValidationError):
        events.message_of(bus.Event(events.MESSAGE, {"seq": "one"}))
