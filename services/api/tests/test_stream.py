"""`/api/rooms/<room>/events/`: Server-Sent Events, driven through the ASGI application by hand.

An HTTP client would do, but a test wants to decide when the client goes away.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from channels.layers import get_channel_layer

from accounts.models import User
from api.asgi import application
from api.rooms import stream as room_stream
from chassis import bus, lifespan
from rooms import access, events, messages, names, senders
from rooms.messages import StoredMessage
from rooms.models import Room
from testing.asgi import AsgiExchange
from testing.database import in_scope
from testing.people import bearer
from testing.waiting import eventually


class Stream(AsgiExchange):
    """One open stream; `leave()` is what a closed browser tab does."""

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        super().__init__(application, path, headers=headers)
        self.send_body()
        self._buffer = b""

    async def event(self) -> tuple[str | None, str, dict[str, Any]]:
        """The next event: id, name, data."""
        while b"\n\n" not in self._buffer:
            self._buffer += await self.chunk()
        raw, self._buffer = self._buffer.split(b"\n\n", 1)
        if raw.startswith(b":"):
            return await self.event()
        fields = dict(line.split(": ", 1) for line in raw.decode().splitlines())
        return fields.get("id"), fields["event"], json.loads(fields["data"])

    async def events_until(self, name: str) -> list[tuple[str | None, str, dict[str, Any]]]:
        """All events up to and including the first called `name`."""
        received = [await self.event()]
        while received[-1][1] != name:
            received.append(await self.event())
        return received


type Open = Callable[..., Any]


@pytest_asyncio.fixture
async def lobby(database: None) -> Room:
    """A public room."""
    room: Room = await in_scope(Room.async_objects.acreate(name="lobby", title="Lobby"))
    return room


@pytest_asyncio.fixture
async def open_stream(process: None, user: User, lobby: Room) -> AsyncIterator[Open]:
    """Opens streams of the lobby as Ada, and closes them."""
    headers = await bearer(user)
    streams: list[Stream] = []

    def open_one(query: str = "", **extra: str) -> Stream:
        stream = Stream(f"/api/rooms/lobby/events/{query}", {**headers, **extra})
        streams.append(stream)
        return stream

    yield open_one
    for stream in streams:
        stream.leave()
        with contextlib.suppress(asyncio.CancelledError):
            await stream.ended()


async def store(text: str, user: User) -> StoredMessage:
    """A message in the lobby that nobody is told about."""

    async def work() -> StoredMessage:
        room = await access.enter("lobby", user.pk)
        return (await messages.post(room, senders.from_user(user), uuid.uuid4(), text)).message

    return await in_scope(work())


async def test_history_then_synced(open_stream: Open, user: User) -> None:
    """A new stream starts with what the room holds, in order, and says when it is up to date."""
    for text in ("one", "two"):
        await store(text, user)
    stream = open_stream()
    status = await stream.start()
    received = await stream.events_until("synced")
    assert (status, stream.headers["content-type"]) == (200, "text/event-stream")
    assert [(identifier, data.get("message")) for identifier, _, data in received] == [
        ("1", "one"),
        ("2", "two"),
        (None, None),
    ]


async def test_last_event_id_resumes(open_stream: Open, user: User) -> None:
    """`Last-Event-ID` brings what follows that number and nothing before it."""
    for text in ("one", "two", "three"):
        await store(text, user)
    stream = open_stream(**{"Last-Event-ID": "1"})
    await stream.start()
    assert [data["message"] for _, name, data in await stream.events_until("synced") if name == "message"] == [
        "two",
        "three",
    ]


async def test_last_event_id_of_the_future(open_stream: Open, user: User) -> None:
    """A number that the room never gave out belongs to lost history: the stream starts over with the newest."""
    await store("one", user)
    stream = open_stream(**{"Last-Event-ID": "7"})
    await stream.start()
    assert (await stream.event())[0] == "1"


async def test_malformed_last_event_id(open_stream: Open) -> None:
    """Not a number: 400 instead of a guess."""
    assert await open_stream(**{"Last-Event-ID": "x"}).start() == 400


async def test_live_message(open_stream: Open, user: User) -> None:
    """A message that is announced while the stream is open arrives."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    events.announce_message(await store("hello", user))
    identifier, name, data = await stream.event()
    assert (identifier, name, data["message"]) == ("1", "message", "hello")


async def test_missed_announcement_is_filled(open_stream: Open, user: User) -> None:
    """A lost announcement costs nothing: the next one brings both messages, in order."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    await store("lost", user)
    events.announce_message(await store("seen", user))
    assert [(await stream.event())[2]["message"] for _ in range(2)] == ["lost", "seen"]


async def test_gap_on_the_bus(open_stream: Open, user: User) -> None:
    """Where the channel layer has lost something, what is stored comes without the next announcement."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    await store("lost", user)
    await bus.publish(names.group("lobby"), bus.Event(bus.GAP, {}))
    assert (await stream.event())[2]["message"] == "lost"


async def test_what_nobody_announced(open_stream: Open, user: User) -> None:
    """With no announcement at all, a message comes with the next look at the heads of all rooms."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    await store("silent", user)
    assert (await stream.event())[2]["message"] == "silent"


async def test_repeated_announcement_is_dropped(open_stream: Open, user: User) -> None:
    """The same announcement twice shows the message once."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    message = await store("once", user)
    events.announce_message(message)
    assert (await stream.event())[1] == "message"
    assert await bus.publish(names.group("lobby"), bus.Event(events.MESSAGE, msgspec.to_builtins(message)))
    await events.notify("lobby", "after")
    assert [name for _, name, _ in await stream.events_until("notice")] == ["notice"]


async def test_unknown_and_malformed_events_are_ignored(open_stream: Open) -> None:
    """A newer release may send what this one does not know; the stream goes on."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    await bus.publish(names.group("lobby"), bus.Event("room.invented", {}))
    await bus.publish(names.group("lobby"), bus.Event(events.MESSAGE, {"seq": "not a number"}))
    await get_channel_layer().group_send(names.group("lobby"), {"type": bus.HANDLER, "v": 99, "event": "x", "data": {}})
    await events.notify("lobby", "after")
    assert (await stream.event())[2] == {"type": "notice", "notice": "after"}


async def test_client_leaves(open_stream: Open) -> None:
    """When the client goes, the request ends and nothing stays subscribed."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    stream.leave()
    await stream.ended()
    await eventually(lambda: names.group("lobby") not in get_channel_layer().groups, what="no group of the room left")


async def test_drain_ends_the_stream(open_stream: Open) -> None:
    """A process that is told to stop ends its streams, so that it can stop."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    lifespan.drain()
    try:
        await stream.ended()
    finally:
        lifespan.undrain()


async def test_idle_stream_shows_that_it_lives(open_stream: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing happens a comment is sent now and then."""
    monkeypatch.setattr(room_stream, "HEARTBEAT", 0.05)
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    assert await stream.chunk() == b": heartbeat\n\n"


async def test_client_that_does_not_read(
    open_stream: Open, user: User, lobby: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for a client is bounded: more ends its stream, and it resumes with what it has seen."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    monkeypatch.setattr(room_stream, "MAX_WAITING", 1)
    await store("too much", user)
    assert (await stream.event())[0] == "1"
    await stream.ended()


async def test_deleted_room_ends_the_stream(open_stream: Open, lobby: Room) -> None:
    """Nothing more can come from a room that is gone."""
    stream = open_stream()
    await stream.start()
    await stream.events_until("synced")
    await in_scope(Room.async_objects.filter(pk=lobby.pk).adelete())
    await stream.ended()
