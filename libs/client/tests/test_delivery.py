"""Messages come in order, each once, whatever happens to the connection."""

import asyncio
import logging
from uuid import uuid4

import pytest

from millrace_client import Message, Notice, Place, Presence, Present, ResyncRequired, Room, Typing, UserJoin, UserLeave

from .conftest import DEADLINE, MakeRoom, take, until
from .fake import FakeServer, Visit, faithful


def texts(messages: list[Message]) -> list[str]:
    """What they say."""
    return [message.text for message in messages]


async def test_history_then_live(server: FakeServer, make_room: MakeRoom) -> None:
    """What was said before comes first, then what is said now, one's own included."""
    await server.store("before")
    async with make_room() as room:
        assert await room.send("own") == 2
        await server.store("after")
        messages = await take(room, 3)
    assert texts(messages) == ["before", "own", "after"]
    assert [message.seq for message in messages] == [1, 2, 3]
    assert (messages[0].username, messages[0].ts.isoformat()) == ("ada", "2026-01-02T03:04:05.678901+00:00")


async def test_a_callback_gets_the_same(server: FakeServer, make_room: MakeRoom) -> None:
    """`on_message` is called for one after the other, and awaited."""
    seen: list[str] = []

    async def slowly(message: Message) -> None:
        seen.append(f"{message.text} begins")
        await asyncio.sleep(0)
        seen.append(f"{message.text} ends")

    async with make_room(on_message=slowly) as room:
        await room.send("a")
        await room.send("b")
        await until(lambda: len(seen) == 4, "both messages")
        assert room.place == Place(server.epoch, 2)
    assert seen == ["a begins", "a ends", "b begins", "b ends"]


async def test_a_lost_connection_resumes(server: FakeServer, make_room: MakeRoom) -> None:
    """After a cut the client asks for what came after the last message that it got, and gets that only."""
    async with make_room() as room:
        await server.store("one")
        await take(room, 1)
        server.visits[0].abort()
        await server.store("two")
        assert texts(await take(room, 1)) == ["two"]
    assert server.visits[1].query == {"since": "1", "epoch": server.epoch}


async def test_a_place_is_where_a_new_room_goes_on(server: FakeServer, make_room: MakeRoom) -> None:
    """A stored place given to another room brings what followed it, and nothing else."""
    for text in "abc":
        await server.store(text)
    async with make_room() as room:
        await take(room, 2)
        place = room.place
    assert place == Place(server.epoch, 2)
    async with make_room(place=place) as again:
        assert texts(await take(again, 1)) == ["c"]


async def test_an_empty_room_is_a_place(server: FakeServer, make_room: MakeRoom) -> None:
    """A room that brought no message is left at its head, so that what follows is not cut to the newest."""
    async with make_room(on_message=lambda _: None) as room:
        await until(lambda: room.place is not None, "a place")
        assert room.place == Place(server.epoch, 0)


async def test_a_duplicate_is_dropped(server: FakeServer, make_room: MakeRoom) -> None:
    """A number that was there before is not delivered again."""

    async def stutter(visit: Visit) -> None:
        await visit.join()
        await visit.send(**server.log[0])
        await visit.send(**server.log[1])
        await server.store("three")
        await visit.serve()

    await server.store("one")
    await server.store("two")
    server.scripts = [stutter]
    async with make_room() as room:
        assert texts(await take(room, 3)) == ["one", "two", "three"]


async def test_a_gap_is_fetched(server: FakeServer, make_room: MakeRoom, caplog: pytest.LogCaptureFixture) -> None:
    """A missing number, which should not be, is logged and fetched by resuming before it."""

    async def lossy(visit: Visit) -> None:
        await visit.join()
        server.log += [server.message(1, "one"), server.message(2, "two")]
        await visit.send(**server.log[1])
        await visit.serve()

    server.scripts = [lossy]
    with caplog.at_level(logging.WARNING, "millrace_client"):
        async with make_room() as room:
            assert texts(await take(room, 2)) == ["one", "two"]
    assert server.visits[1].query["since"] == "0"
    assert "a message is missing: 2 after 0" in caplog.text


async def test_a_hole_before_synced_is_fetched(server: FakeServer, make_room: MakeRoom) -> None:
    """Where `synced` names a number that did not come, the client resumes before it."""

    async def short(visit: Visit) -> None:
        await visit.send(**server.log[0])
        await visit.synced()
        await visit.serve()

    await server.store("one")
    await server.store("two")
    server.scripts = [short]
    async with make_room() as room:
        assert texts(await take(room, 2)) == ["one", "two"]
    assert server.visits[1].query["since"] == "1"


async def test_a_cut_in_the_first_history(server: FakeServer, make_room: MakeRoom) -> None:
    """What came before the first `synced` has no epoch to resume with: it is delivered once, by the next connection."""

    async def cut(visit: Visit) -> None:
        await visit.send(**server.log[0])
        visit.abort()

    await server.store("one")
    await server.store("two")
    server.scripts = [cut]
    async with make_room() as room:
        assert texts(await take(room, 2)) == ["one", "two"]
    assert server.visits[1].query == {}


async def test_a_resync_starts_over(server: FakeServer, make_room: MakeRoom) -> None:
    """Where the place is gone, `on_resync` is called between the old messages and the new ones."""
    log: list[str] = []

    async def resynced(resync: ResyncRequired) -> None:
        log.append(f"resync {resync.epoch}")

    async with make_room(on_resync=resynced, on_message=lambda message: log.append(message.text)) as room:
        for text in ("old one", "old two"):
            await room.send(text)
        server.start_over("new one")
        server.visits[0].abort()
        await until(lambda: "new one" in log, "the new message")
        await until(lambda: room.place == Place(server.epoch, 1), "the new place")
    assert log == ["old one", "old two", f"resync {server.epoch}", "new one"]


async def test_a_foreign_place_resyncs_on_entering(server: FakeServer, make_room: MakeRoom) -> None:
    """A place of another epoch is answered by a resync too, and is forgotten."""
    resyncs: list[ResyncRequired] = []
    await server.store("one")
    async with make_room(place=Place(str(uuid4()), 7), on_resync=resyncs.append) as room:
        assert texts(await take(room, 1)) == ["one"]
        assert room.place == Place(server.epoch, 1)
    assert resyncs == [ResyncRequired("lobby", server.epoch)]


async def test_other_frames_are_events(server: FakeServer, make_room: MakeRoom) -> None:
    """Presence, joins, leaves, typing and notices come typed, by one callback; what is unknown or broken is ignored."""

    async def chatter(visit: Visit) -> None:
        await visit.join()
        await visit.send(type="presence", count=2, users=[{"username": "ada", "connections": 2}], later="field")
        await visit.send(type="user_join", username="alan")
        await visit.send(type="later", what="ever")
        await visit.send(type="typing")
        await visit.socket.send("not JSON")
        await visit.socket.send("[]")
        await visit.send(type="typing", username="alan")
        await visit.send(type="notice", notice="closing at six")
        await visit.send(type="pong")
        await visit.send(type="user_leave", username="alan")
        await visit.serve()

    events: list[object] = []
    server.scripts = [chatter]
    async with make_room(on_event=events.append):
        await until(lambda: len(events) == 5, "all events")
    assert events == [
        Presence(2, (Present("ada", 2),)), UserJoin("alan"), Typing("alan"), Notice("closing at six"), UserLeave("alan")
    ]  # fmt: skip


async def test_a_reader_that_comes_late(server: FakeServer, make_room: MakeRoom) -> None:
    """What nobody reads is bounded and holds up no acknowledgement; it is fetched again when somebody does."""
    async with make_room(unread=3) as room:
        async with asyncio.timeout(DEADLINE):
            seqs = [await room.send(f"message {number}") for number in range(8)]
        assert seqs == list(range(1, 9))
        assert [message.seq for message in await take(room, 8)] == seqs
    assert int(server.visits[1].query["since"]) <= 3


async def test_a_silent_server_is_left(server: FakeServer, make_room: MakeRoom) -> None:
    """A connection whose server answers no ping is given up, and the next one resumes."""

    async def deaf(visit: Visit) -> None:
        await visit.join()
        # The kernel still takes what is sent, as the network does for a machine that is gone.
        visit.socket.transport.pause_reading()
        await visit.socket.wait_closed()

    server.scripts = [deaf, faithful]
    async with make_room(heartbeat=0.2, close_timeout=0.2) as room:
        async with asyncio.timeout(DEADLINE):
            assert await room.send("still here") == 1
    # More than two where the machine takes longer than that for an answer.
    assert len(server.visits) >= 2
    assert server.visits[0].frames == []


async def test_a_history_that_never_comes(server: FakeServer, make_room: MakeRoom) -> None:
    """A connection that opens and brings nothing is given up."""
    server.scripts = [lambda visit: visit.socket.wait_closed()]
    async with make_room(answer_timeout=0.5) as room:
        assert await room.send("hi") == 1
    assert len(server.visits) >= 2
    assert server.visits[0].frames == []


async def test_messages_are_taken_one_way(make_room: MakeRoom) -> None:
    """Iterating beside `on_message` is a mistake, and so is a room outside of `async with`."""
    async with make_room(on_message=lambda _: None) as room:
        with pytest.raises(RuntimeError):
            await anext(room)
    outside: Room = make_room()
    with pytest.raises(RuntimeError):
        await anext(outside)
    with pytest.raises(RuntimeError):
        await outside.send("hi")
