"""Every message that is sent gets one outcome, in order, however many connections that takes."""

import asyncio
import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from millrace_client import (
    BadMessage,
    Conflict,
    OutboxFull,
    Room,
    RoomClosed,
    RoomDeleted,
    SendError,
    SendFailed,
    TooLarge,
)

from .conftest import DEADLINE, MakeRoom, take, until
from .fake import FakeServer, Script, Visit

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
FAILS: dict[str, type[SendError]] = {
    "bad_request": BadMessage,
    "too_large": TooLarge,
    "conflict": Conflict,
    "not_found": RoomDeleted,
}
AGAIN = ("too_fast", "unavailable", "internal")


async def send_all(room: Room, *texts: str) -> list[int]:
    """Send all at once; their numbers."""
    async with asyncio.timeout(DEADLINE):
        return await asyncio.gather(*(room.send(text) for text in texts))


def refusing(code: str, times: int, with_id: bool = True) -> Script:
    """A server that refuses the first messages."""

    async def script(visit: Visit) -> None:
        await visit.join()
        for _ in range(times):
            frame = await visit.next()
            about = {"id": frame["id"]} if with_id else {}
            await visit.send(type="error", error="no", code=code, **about)
        await visit.serve()

    return script


async def test_order_is_kept(server: FakeServer, make_room: MakeRoom) -> None:
    """Messages that are sent at once are stored in that order, under ids that are UUIDs."""
    async with make_room() as room:
        assert await send_all(room, "a", "b", "c", "d") == [1, 2, 3, 4]
    assert [message["message"] for message in server.log] == ["a", "b", "c", "d"]
    assert all(UUID(frame["id"]) for frame in server.visits[0].frames)


async def test_one_is_on_its_way_at_a_time(server: FakeServer, make_room: MakeRoom) -> None:
    """The next message is not sent before the last has its outcome: a refusal could not be overtaken."""

    async def slow(visit: Visit) -> None:
        await visit.join()
        first = await visit.next()
        # What the client has sent by now comes before its answer to this ping.
        await (await visit.socket.ping())
        await visit.send(type="error", error="down", code="unavailable", id=first["id"])
        await visit.serve()

    server.scripts = [slow]
    async with make_room() as room:
        await send_all(room, "a", "b")
    assert [frame["message"] for frame in server.visits[0].frames] == ["a", "a", "b"]


@pytest.mark.parametrize("stored", [True, False], ids=["acknowledgement lost", "message lost"])
async def test_a_lost_connection_repeats(server: FakeServer, make_room: MakeRoom, stored: bool) -> None:
    """What was not acknowledged when a connection ended is repeated with its id: stored once, told its number."""

    async def lose(visit: Visit) -> None:
        await visit.join()
        frame = await visit.next()
        if stored:
            server.live.clear()
            await server.store(frame["message"], frame["id"])
        visit.abort()

    server.scripts = [lose]
    async with make_room() as room:
        assert await send_all(room, "a", "b") == [1, 2]
        assert [message.text for message in await take(room, 2)] == ["a", "b"]
    assert len(server.log) == 2


async def test_what_the_history_shows_is_not_repeated(server: FakeServer, make_room: MakeRoom) -> None:
    """A message that comes by with one's own id is stored: a guest, who is somebody else by now, must not repeat it."""

    async def lose(visit: Visit) -> None:
        await visit.join()
        frame = await visit.next()
        server.live.clear()
        await server.store(frame["message"], frame["id"])
        visit.abort()

    server.scripts = [lose]
    async with make_room() as room:
        assert await send_all(room, "a") == [1]
    assert server.visits[1].frames == []


async def test_an_answer_that_never_comes(server: FakeServer, make_room: MakeRoom) -> None:
    """A connection that lives but acknowledges nothing is given up, and the message is repeated on the next."""

    async def forget(visit: Visit) -> None:
        await visit.join()
        while True:
            await visit.next()

    server.scripts = [forget]
    async with make_room(answer_timeout=0.5) as room:
        assert await send_all(room, "a") == [1]
    # More than two where the machine takes longer than that for an answer.
    assert len(server.visits) >= 2
    assert len(server.log) == 1


@pytest.mark.parametrize("code", FAILS)
async def test_an_error_fails_one_message(server: FakeServer, make_room: MakeRoom, code: str) -> None:
    """An error about a message fails that send, with its kind and id; the next goes on."""
    server.scripts = [refusing(code, 1)]
    client_id = str(uuid4())
    async with make_room() as room:
        with pytest.raises(FAILS[code], match="no") as raised:
            await room.send("bad", id=client_id)
        assert raised.value.id == client_id
        assert await room.send("good") == 1


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize("code", AGAIN)
async def test_an_error_that_passes(server: FakeServer, make_room: MakeRoom, code: str, with_id: bool) -> None:
    """An error that says nothing against the message is tried again, in order and on the same connection."""
    server.scripts = [refusing(code, 2, with_id)]
    async with make_room() as room:
        assert await send_all(room, "a", "b") == [1, 2]
    assert [frame["message"] for frame in server.visits[0].frames] == ["a", "a", "a", "b"]
    assert len({frame["id"] for frame in server.visits[0].frames}) == 2


async def test_a_defect_does_not_block_for_ever(server: FakeServer, make_room: MakeRoom) -> None:
    """A message that the server fails on time and again is failed, so that the next one gets its turn."""
    server.scripts = [refusing("internal", 5)]
    async with make_room() as room:
        with pytest.raises(SendFailed):
            await room.send("poison")
        assert await room.send("good") == 1


async def test_a_full_outbox(server: FakeServer, make_room: MakeRoom) -> None:
    """More messages than may wait are refused at once; those that wait are sent."""

    async def mute(visit: Visit) -> None:
        await visit.join()
        await visit.next()
        await full.wait()
        visit.abort()

    full = asyncio.Event()
    server.scripts = [mute]
    async with make_room(outbox=3) as room:
        waiting = [asyncio.create_task(room.send(text)) for text in "abc"]
        await asyncio.sleep(0)
        with pytest.raises(OutboxFull):
            await room.send("d")
        full.set()
        assert await asyncio.gather(*waiting) == [1, 2, 3]
        assert await room.send("d") == 4


@pytest.mark.parametrize(("text", "kind"), [("x" * 16384, TooLarge), ("\ud800", BadMessage)])
async def test_what_could_not_be_sent(
    server: FakeServer, make_room: MakeRoom, text: str, kind: type[SendError]
) -> None:
    """A frame that would end the connection, every time, is not sent."""
    async with make_room() as room:
        with pytest.raises(kind):
            await room.send(text)
        assert await room.send("good") == 1
    assert len(server.visits[0].frames) == 1


async def test_an_id_that_waits_already(make_room: MakeRoom, server: FakeServer) -> None:
    """The same id twice at once is a conflict, and one that is no UUID an error of the program."""
    server.scripts = [refusing("unavailable", 1)]
    client_id = uuid4()
    async with make_room() as room:
        sending = asyncio.create_task(room.send("a", id=client_id))
        await asyncio.sleep(0)
        with pytest.raises(Conflict):
            await room.send("b", id=client_id)
        assert await sending == 1
        assert await room.send("a", id=client_id) == 1
        with pytest.raises(ValueError, match="UUID"):
            await room.send("c", id="nonsense")


async def test_a_send_that_is_cancelled(server: FakeServer, make_room: MakeRoom) -> None:
    """A cancelled send is not repeated, and the next one is not held up by it."""

    async def mute(visit: Visit) -> None:
        await visit.join()
        await visit.next()
        await visit.serve()

    server.scripts = [mute]
    async with make_room() as room:
        sending = asyncio.create_task(room.send("never mind"))
        await until(lambda: server.visits[0].frames, "the frame")
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert await send_all(room, "next") == [1]


async def test_sends_wait_for_the_next_connection(server: FakeServer, make_room: MakeRoom) -> None:
    """What is sent without a connection is sent by the next one, after its `synced`."""
    too_early: list[bool] = []
    waiting = asyncio.Event()

    async def cut(visit: Visit) -> None:
        await visit.join()
        visit.abort()

    async def late(visit: Visit) -> None:
        await waiting.wait()
        frame = asyncio.create_task(visit.next())
        # What the client has sent by now comes before its answer to this ping.
        await (await visit.socket.ping())
        too_early.append(frame.done())
        await visit.join()
        stored = await server.store((await frame)["message"], (await frame)["id"])
        await visit.send(type="ack", id=stored["id"], seq=stored["seq"])
        await visit.serve()

    server.scripts = [cut, late]
    async with make_room() as room:
        await until(lambda: not room.connected, "the cut")
        sending = [asyncio.create_task(room.send(text)) for text in "ab"]
        await asyncio.sleep(0)
        waiting.set()
        assert await asyncio.gather(*sending) == [1, 2]
    assert too_early == [False]


async def test_closing_fails_what_waits(server: FakeServer, make_room: MakeRoom) -> None:
    """A send that waits when the room is closed fails, and so does one after it."""

    async def mute(visit: Visit) -> None:
        await visit.join()
        await visit.next()
        await visit.socket.wait_closed()

    server.scripts = [mute]
    async with make_room() as room:
        sending = asyncio.create_task(room.send("hi"))
        await until(lambda: server.visits[0].frames, "the frame")
        await room.close()
        with pytest.raises(RoomClosed):
            await sending
        with pytest.raises(RoomClosed):
            await room.send("hi")


def test_every_code_of_the_document_is_tested() -> None:
    """The page names no error code that this suite does not."""
    assert set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE)) == FAILS.keys() | set(AGAIN)
