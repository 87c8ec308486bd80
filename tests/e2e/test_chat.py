"""Chat over WebSockets, on two realtime processes, and between sockets, HTTP and Server-Sent Events."""

import uuid

import pytest
from tests.e2e.conftest import OpenSocket
from tests.e2e.events import open_events
from tests.e2e.people import Person, unique
from tests.e2e.sockets import Entry, joined
from tests.e2e.test_rooms import TEXTS, post

ROOM = "python"
GUEST = Entry()


async def test_two_processes_one_conversation(
    enter_first: OpenSocket, enter_second: OpenSocket, alice: Person, bob: Person
) -> None:
    """What people on two processes say to each other is the same, with the same numbers, on both sides."""
    async with enter_first(ROOM, await alice.ticket(ROOM)) as hers, enter_second(ROOM, await bob.ticket(ROOM)) as his:
        ids = []
        for turn in range(6):
            speaker, listener = (hers, his) if turn % 2 == 0 else (his, hers)
            ids.append(await speaker.say(f"turn {turn}"))
            # Answered, like a conversation: what is said after something was seen has a higher number.
            await listener.expect(type="message", id=ids[-1])
            await speaker.expect(type="message", id=ids[-1])
        seen = [[frame for frame in socket.messages if frame["id"] in ids] for socket in (hers, his)]
    assert seen[0] == seen[1]
    assert [frame["id"] for frame in seen[0]] == ids
    assert [frame["seq"] for frame in seen[0]] == sorted({frame["seq"] for frame in seen[0]})
    assert [frame["username"] for frame in seen[0]] == [alice.username, bob.username] * 3


async def test_a_message_has_its_fields(enter: OpenSocket, alice: Person) -> None:
    """The frame names the room, the number, the sender's id, the text, the sender and the time."""
    text = unique("fields")
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        client_id = await socket.say(text)
        frame = await socket.expect(type="message", id=client_id)
    assert set(frame) == {"type", "room", "seq", "id", "message", "username", "ts"}
    assert (frame["room"], frame["message"], frame["username"]) == (ROOM, text, alice.username)
    assert frame["ts"].endswith("Z")


async def test_only_the_sender_is_acknowledged(
    enter_first: OpenSocket, enter_second: OpenSocket, alice: Person, bob: Person
) -> None:
    """The sender gets `ack` with the number, the others the message only."""
    async with enter_first(ROOM, await alice.ticket(ROOM)) as hers, enter_second(ROOM, await bob.ticket(ROOM)) as his:
        client_id = await hers.say(unique("acked"))
        ack = await hers.expect(type="ack", id=client_id)
        message = await his.expect(type="message", id=client_id)
        await his.answer()
        assert ack["seq"] == message["seq"]
        assert not his.of("ack")


async def test_a_message_without_an_id_gets_one(enter: OpenSocket, alice: Person) -> None:
    """A client that gives no id is given one."""
    text = unique("nameless")
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        await socket.send({"message": text})
        frame = await socket.expect(type="message", message=text)
        uuid.UUID(frame["id"])
        await socket.expect(type="ack", id=frame["id"], seq=frame["seq"])


async def test_a_repeated_message_is_stored_once(enter: OpenSocket, alice: Person) -> None:
    """The same id again is acknowledged with the same number, and nobody sees it twice."""
    text, client_id = unique("again"), str(uuid.uuid4())
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        await socket.say(text, client_id)
        first = await socket.expect(type="ack", id=client_id)
        await socket.say(text, client_id)
        await socket.until("second ack", lambda items: len(socket.of("ack")) == 2 or None)
        last = await socket.say(unique("last"))
        await socket.expect(type="message", id=last)
        assert socket.of("ack")[1] == first
        assert [frame["seq"] for frame in socket.messages if frame["id"] == client_id] == [first["seq"]]


async def test_an_id_with_another_text_is_an_error(enter: OpenSocket, alice: Person) -> None:
    """The same id for something else is refused, with the id that it is about; the socket stays open."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        client_id = await socket.say(unique("one"))
        await socket.expect(type="ack", id=client_id)
        await socket.say(unique("other"), client_id)
        error = await socket.expect(type="error", id=client_id)
        assert error["code"] == "conflict"
        await socket.answer()


async def test_history_comes_first(enter: OpenSocket, alice: Person) -> None:
    """A new socket gets the newest messages without a gap, then `synced` with the number and epoch to resume with."""
    stored = await post(alice, unique("history"), ROOM)
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        synced = await joined(socket)
        before = socket.items[: socket.items.index(synced)]
    assert {frame["type"] for frame in before} == {"message"}
    seqs = [frame["seq"] for frame in before]
    assert stored["seq"] in seqs
    assert seqs == list(range(seqs[0], synced["seq"] + 1))
    assert synced["room"] == ROOM
    uuid.UUID(synced["epoch"])


async def test_what_http_posts_arrives_everywhere(
    enter_first: OpenSocket, enter_second: OpenSocket, alice: Person, bob: Person
) -> None:
    """A message posted to the api comes to the sockets of both processes and to the event stream, all alike."""
    async with (
        enter_first(ROOM, GUEST) as first,
        enter_second(ROOM, await bob.ticket(ROOM)) as second,
        open_events(bob.client, ROOM) as stream,
    ):
        await stream.expect("synced")
        stored = await post(alice, unique("http"), ROOM)
        frames = [await socket.expect(type="message", id=stored["id"]) for socket in (first, second)]
        event = await stream.expect("message", id=stored["id"])
    assert frames == [{"type": "message", **stored}] * 2
    assert event.data == frames[0]


async def test_what_a_socket_says_arrives_at_the_stream(enter: OpenSocket, alice: Person, bob: Person) -> None:
    """A message sent over a socket comes to the event stream with its number as the event id."""
    async with open_events(bob.client, ROOM) as stream, enter(ROOM, await alice.ticket(ROOM)) as socket:
        await stream.expect("synced")
        client_id = await socket.say(unique("socket"))
        frame = await socket.expect(type="message", id=client_id)
        event = await stream.expect("message", id=client_id)
    assert event.data == frame
    assert event.id == str(frame["seq"])


@pytest.mark.parametrize("path", ["notify/", "notify/sync/"], ids=["async", "sync"])
async def test_a_notice_reaches_everybody(
    enter_first: OpenSocket, enter_second: OpenSocket, alice: Person, bob: Person, path: str
) -> None:
    """A notice sent from async or from sync code comes to both processes and to the stream, and is not stored."""
    notice = unique("notice")
    async with (
        enter_first(ROOM, await bob.ticket(ROOM)) as first,
        enter_second(ROOM, GUEST) as second,
        open_events(bob.client, ROOM) as stream,
    ):
        await stream.expect("synced")
        answer = await alice.client.post(f"/api/rooms/{ROOM}/{path}", json={"notice": notice})
        assert (answer.status_code, answer.json()) == (200, {"sent": True})
        for socket in (first, second):
            assert await socket.expect(type="notice", notice=notice) == {"type": "notice", "notice": notice}
        await stream.expect("notice", notice=notice)


async def test_rooms_are_apart(enter: OpenSocket, alice: Person) -> None:
    """What is said in one room is not heard in another."""
    async with enter("lobby", await alice.ticket("lobby")) as lobby, enter(ROOM, await alice.ticket(ROOM)) as room:
        client_id = await room.say(unique("apart"))
        await room.expect(type="message", id=client_id)
        here = await lobby.say(unique("here"))
        await lobby.expect(type="message", id=here)
        assert client_id not in {frame["id"] for frame in lobby.messages}
        assert {frame["room"] for frame in lobby.messages} == {"lobby"}


async def test_any_text_arrives_as_it_was(enter_first: OpenSocket, enter_second: OpenSocket, alice: Person) -> None:
    """What was sent is what others get: every script, HTML, quotes, line breaks, the longest."""
    async with enter_first(ROOM, await alice.ticket(ROOM)) as sender, enter_second(ROOM, GUEST) as reader:
        for text in TEXTS:
            client_id = await sender.say(text)
            frame = await reader.expect(type="message", id=client_id)
            assert frame["message"] == text
