"""What a member sees: history, messages, acknowledgements, people coming and going."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from blockbuster import BlockBuster

from accounts.models import User
from chassis import bus
from realtime import chat, metrics
from realtime.close_codes import CloseCode
from rooms import events, messages, names, senders
from rooms.access import RoomAccess
from rooms.models import Room
from testing.database import in_scope
from testing.people import make_user
from testing.rooms import MakeRoom
from testing.waiting import DEADLINE

from .conftest import Clock, Connect, Socket, cookie, current


async def test_message_reaches_everybody(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A message goes to all members of the room, its sender included, with its number and its time."""
    sender, reader = await connect(room.name, **await cookie(ada)), await connect(room.name)
    client_id = str(uuid.uuid4())
    await sender.send(message="hi", id=client_id)
    seen = await reader.next("message")
    assert await sender.next("message") == seen
    assert seen.pop("ts").endswith("Z")
    assert seen == {
        "type": "message", "room": room.name, "seq": 1, "id": client_id, "message": "hi", "username": "ada",
    }  # fmt: skip


async def test_ack_says_that_it_is_stored(connect: Connect, room: RoomAccess) -> None:
    """When the acknowledgement arrives the message is in PostgreSQL, under the number it names."""
    socket = await connect(room.name)
    ack = await socket.post("kept")
    (stored,) = await in_scope(messages.catch_up(room, 0))
    assert ack == {"type": "ack", "id": str(stored.id), "seq": stored.seq}


async def test_same_id_is_stored_once(connect: Connect, room: RoomAccess) -> None:
    """A repeated post is acknowledged with the number of the first and delivered once."""
    socket, client_id = await connect(room.name), str(uuid.uuid4())
    await socket.send(message="once", id=client_id)
    await socket.send(message="once", id=client_id)
    await socket.send(message="after", id=str(uuid.uuid4()))
    seen: list[dict[str, Any]] = []
    while not (seen and seen[-1].get("message") == "after"):
        seen.append(await socket.frame())
    acks = [frame["seq"] for frame in seen if frame["type"] == "ack"]
    texts = [frame["message"] for frame in seen if frame["type"] == "message"]
    assert (acks, texts) == ([1, 1, 2], ["once", "after"])


async def test_same_id_other_text(connect: Connect, room: RoomAccess) -> None:
    """An id that was used for another message is an error with that id, and no acknowledgement."""
    socket, client_id = await connect(room.name), str(uuid.uuid4())
    await socket.send(message="one", id=client_id)
    await socket.next("ack")
    await socket.send(message="two", id=client_id)
    error = (await socket.until("error"))[-1]
    assert (error["code"], error["id"]) == ("conflict", client_id)


async def test_rooms_are_apart(connect: Connect, make_room: MakeRoom) -> None:
    """A message is not delivered to another room."""
    here, there = await make_room(), await make_room()
    sender, stranger = await connect(here.name), await connect(there.name)
    await sender.post("for here")
    await stranger.post("for there")
    assert (await stranger.next("message"))["message"] == "for there"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "Message is empty"), (" \n", "Message is empty"), ("x" * 4097, "longer than 4096 bytes"), ("\x00", "stored")],
)
async def test_message_that_is_not_stored(connect: Connect, room: RoomAccess, text: str, reason: str) -> None:
    """A text that cannot be stored is an error frame that says why and names the message; the socket stays."""
    socket, client_id = await connect(room.name), str(uuid.uuid4())
    await socket.send(message=text, id=client_id)
    error = await socket.next("error")
    assert (error["code"], error["id"]) == ("bad_request", client_id)
    assert reason in error["error"]
    assert (await socket.post("still here"))["seq"] == 1


async def test_ping(connect: Connect, room: RoomAccess) -> None:
    """`ping` is answered by `pong`."""
    socket = await connect(room.name)
    await socket.send(type="ping", unknown="field")
    assert await socket.next("pong") == {"type": "pong"}


async def test_typing_goes_to_the_others(connect: Connect, room: RoomAccess, ada: User) -> None:
    """The others learn who is typing; the one who types does not."""
    typist, other = await connect(room.name, **await cookie(ada)), await connect(room.name)
    await other.next("synced")
    await typist.send(type="typing")
    assert await other.next("typing") == {"type": "typing", "username": "ada"}
    await typist.post("done")
    assert "typing" not in [frame["type"] for frame in await typist.until("message")]


async def test_notice_from_synchronous_code(connect: Connect, room: RoomAccess) -> None:
    """A notice sent by sync code through `async_to_sync` reaches the room."""
    socket = await connect(room.name)
    await socket.next("synced")
    sent = await sync_to_async(lambda: async_to_sync(events.notify)(room.name, "Tea is ready"))()
    assert sent
    assert await socket.next("notice") == {"type": "notice", "notice": "Tea is ready"}


async def test_presence_counts_tabs(connect: Connect, room: RoomAccess, ada: User) -> None:
    """Who comes is told who is here; two tabs of a user are one person with two connections."""
    headers = await cookie(ada)
    await (await connect(room.name, **headers)).next("presence")
    second = await connect(room.name, **headers)
    assert await second.next("presence") == {
        "type": "presence", "count": 1, "users": [{"username": "ada", "connections": 2}],
    }  # fmt: skip


async def test_join_and_leave_once_a_user(connect: Connect, room: RoomAccess, ada: User) -> None:
    """`user_join` comes with a user's first socket, `user_leave` when the last is gone, nothing in between."""
    headers = await cookie(ada)
    watcher = await connect(room.name)
    await watcher.next("user_join")
    first = await connect(room.name, **headers)
    seen = await watcher.until("user_join")
    second = await connect(room.name, **headers)
    await second.next("presence")
    await first.leave()
    # On the same way as the frames of people who come and go: what was told before it comes before it.
    await events.notify(room.name, "one of two is gone")
    seen += await watcher.until("notice")
    await second.leave()
    seen += await watcher.until("user_leave")
    await events.notify(room.name, "both are gone")
    seen += await watcher.until("notice")
    assert [(frame["type"], frame.get("username")) for frame in seen] == [
        ("user_join", "ada"), ("notice", None), ("user_leave", "ada"), ("notice", None),
    ]  # fmt: skip


async def test_too_fast(connect: Connect, room: RoomAccess, frames_clock: Clock) -> None:
    """Beyond the burst a frame is refused with `too_fast`, and the socket stays; it takes frames again with time."""
    socket = await connect(room.name)
    for _ in range(chat.BURST + 1):
        await socket.send(type="ping")
    frames = await socket.until("error")
    assert [frame["type"] for frame in frames].count("pong") == chat.BURST
    assert frames[-1] == {"type": "error", "error": "Too fast", "code": "too_fast"}
    frames_clock.now += 1 / chat.PER_SECOND
    await socket.send(type="ping")
    assert (await socket.frame())["type"] == "pong"


async def test_flood_is_closed(connect: Connect, room: RoomAccess, frames_clock: Clock) -> None:
    """A client that goes on sending in spite of the errors is closed with 4008."""
    socket = await connect(room.name)
    for _ in range(chat.BURST + chat.PATIENCE + 1):
        await socket.communicator.input_queue.put({"type": "websocket.receive", "text": '{"type": "ping"}'})
    assert await socket.closed() == CloseCode.TOO_FAST


async def test_deleted_room(connect: Connect, room: RoomAccess) -> None:
    """A post to a room that was deleted meanwhile is an error, not an acknowledgement."""
    socket = await connect(room.name)
    await socket.next("synced")
    await in_scope(Room.async_objects.filter(pk=room.id).adelete())
    await socket.send(message="anybody?")
    assert (await socket.next("error"))["code"] == "not_found"


async def test_gap_is_filled_from_the_database(connect: Connect, room: RoomAccess) -> None:
    """A message that was stored but never announced is delivered before the next one that was."""
    socket = await connect(room.name)
    await socket.next("synced")
    await in_scope(messages.post(room, senders.new_guest(), uuid.uuid4(), "lost hint"))
    await socket.post("announced")
    seen = [await socket.next("message"), await socket.next("message")]
    assert [(frame["seq"], frame["message"]) for frame in seen] == [(1, "lost hint"), (2, "announced")]


async def test_gap_on_the_bus(connect: Connect, room: RoomAccess) -> None:
    """Where the channel layer has lost something, what is stored is delivered without waiting for the next hint."""
    socket = await connect(room.name)
    await socket.next("synced")
    await in_scope(messages.post(room, senders.new_guest(), uuid.uuid4(), "lost hint"))
    await bus.publish(names.group(room.name), bus.Event(bus.GAP, {}))
    frame = await socket.next("message")
    assert (frame["seq"], frame["message"]) == (1, "lost hint")


async def test_repeated_hint_is_dropped(connect: Connect, room: RoomAccess) -> None:
    """A message announced twice is delivered once."""
    socket = await connect(room.name)
    await socket.post("first")
    await socket.next("message")
    (stored,) = await in_scope(messages.catch_up(room, 0))
    events.announce_message(stored)
    await socket.post("second")
    assert (await socket.next("message"))["seq"] == 2


@pytest.mark.parametrize(
    "event",
    [
        bus.Event("room.from_the_future", {"anything": 1}),
        bus.Event(events.MESSAGE, {"not": "a message"}),
        bus.Event(events.NOTICE, {"notice": 5}),
    ],
)
async def test_event_that_is_not_understood(connect: Connect, room: RoomAccess, event: bus.Event) -> None:
    """An event of another release is ignored: the client sees nothing of it, and the socket lives."""
    socket = await connect(room.name)
    await socket.next("user_join")
    await bus.publish(names.group(room.name), event)
    await socket.send(message="next")
    assert {frame["type"] for frame in await socket.until("message")} <= {"ack", "message"}


async def test_nothing_blocks_the_loop(connect: Connect, room: RoomAccess, no_blocking: BlockBuster) -> None:
    """Joining, posting and leaving make no call that would hold up the other sockets."""
    socket = await connect(room.name)
    assert (await socket.post("hi"))["seq"] == 1
    await socket.leave()


async def test_gauge_counts_open_sockets(connect: Connect, room: RoomAccess) -> None:
    """`millrace_sockets` goes up by one with a socket and down with its end."""

    def value() -> float:
        (metric,) = metrics.SOCKETS.collect()
        return metric.samples[0].value

    before = value()
    socket = await connect(room.name)
    assert value() == before + 1
    await socket.leave()
    assert value() == before


async def test_frames_are_json_objects_with_a_type(make_socket: Callable[..., Socket], room: RoomAccess) -> None:
    """What goes over the wire is text, and each frame names its type first."""
    socket = await make_socket(room.name).open()
    text = await socket.communicator.receive_from(timeout=DEADLINE)
    assert text.startswith('{"type":"')
    assert json.loads(text) == {
        "type": "synced",
        "room": room.name,
        "seq": 0,
        "epoch": str((await current(room)).epoch),
    }


async def test_guests_differ(connect: Connect, room: RoomAccess) -> None:
    """Two guests may use the same client id: they are two senders."""
    one, other, client_id = await connect(room.name), await connect(room.name), str(uuid.uuid4())
    await one.send(message="mine", id=client_id)
    assert (await one.next("ack"))["seq"] == 1
    await other.send(message="mine too", id=client_id)
    assert (await other.next("ack"))["seq"] == 2


async def test_two_users(connect: Connect, make_room: MakeRoom) -> None:
    """A room that is not public works for its members."""
    grace = await make_user("grace")
    room = await make_room(public=False, member=grace)
    socket = await connect(room.name, **await cookie(grace))
    assert (await socket.post("between us"))["seq"] == 1
