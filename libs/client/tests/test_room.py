"""A room is entered, left and cancelled without leaving anything behind."""

import asyncio

import pytest

from millrace_client import Message, RoomClosed, Unreachable

from .conftest import DEADLINE, MakeRoom, take, until
from .fake import FakeServer, Visit


def tasks() -> set[str]:
    """The names of the library's tasks that are left."""
    return {task.get_name() for task in asyncio.all_tasks() if "millrace_client" in task.get_name()}


async def deaf(visit: Visit) -> None:
    """Joins, and then neither reads nor answers, a close frame included."""
    await visit.join()
    visit.socket.transport.pause_reading()
    await visit.socket.wait_closed()


async def test_closing_is_bounded(server: FakeServer, make_room: MakeRoom) -> None:
    """A server that does not answer the close frame is left after `close_timeout`, with no task behind."""
    server.scripts = [deaf]
    async with make_room(close_timeout=0.2) as room:
        async with asyncio.timeout(DEADLINE):
            await room.close()
        assert not tasks()
        assert not room.connected


async def test_closing_says_goodbye(server: FakeServer, make_room: MakeRoom) -> None:
    """A room that is left closes its socket with 1000."""
    async with make_room() as room:
        assert room.connected
    await until(lambda: server.visits[0].socket.close_code == 1000, "the close frame")


async def test_closing_twice(make_room: MakeRoom) -> None:
    """Closing what is closed does nothing, and a room is entered once."""
    async with make_room() as room:
        await room.close()
        await room.close()
        await room.wait_closed()
    with pytest.raises(RuntimeError):
        await room.__aenter__()


async def test_closing_ends_the_iterator(server: FakeServer, make_room: MakeRoom) -> None:
    """A loop over the messages ends when the room is closed, after those that came."""
    await server.store("one")
    async with make_room() as room:

        async def read() -> list[str]:
            return [message.text async for message in room]

        reading = asyncio.create_task(read())
        await until(lambda: room.place is not None, "the message")
        await room.close()
        assert await reading == ["one"]


async def test_closing_while_it_waits_to_reconnect(server: FakeServer, make_room: MakeRoom) -> None:
    """A room may be closed between two connections."""
    async with make_room() as room:
        server.statuses = [502] * 1000
        server.visits[0].abort()
        await until(lambda: not room.connected, "the cut")
    assert not tasks()


async def test_closing_from_a_callback(server: FakeServer, make_room: MakeRoom) -> None:
    """`on_message` may close its own room; the message counts as read."""

    async def leave(message: Message) -> None:
        await room.close()

    room = make_room(on_message=leave)
    await server.store("goodbye")
    async with room:
        async with asyncio.timeout(DEADLINE):
            await room.wait_closed()
        await until(lambda: room.place is not None, "the callback's return")
    assert not tasks()


async def test_sending_from_a_callback(server: FakeServer, make_room: MakeRoom) -> None:
    """`on_message` may await `send`: acknowledgements come beside it."""
    numbers: list[int] = []

    async def answer(message: Message) -> None:
        if message.text == "ping":
            numbers.append(await room.send("pong"))

    room = make_room(on_message=answer)
    async with room:
        await room.send("ping")
        await until(lambda: numbers == [2], "the answer")


@pytest.mark.parametrize("callback", ["on_message", "on_event"])
async def test_a_callback_that_raises(server: FakeServer, make_room: MakeRoom, callback: str) -> None:
    """The room ends with what a callback raised as the cause; the message does not count as read."""

    def broken(_: object) -> None:
        raise LookupError("broken")

    async def say(visit: Visit) -> None:
        await visit.join()
        await visit.send(type="notice", notice="hi")
        await server.store("hi")
        await visit.serve()

    server.scripts = [say]
    room = make_room(**{callback: broken})
    with pytest.raises(RoomClosed, match="LookupError") as raised:
        async with room:
            await until(lambda: not room.connected, "the end")
    assert isinstance(raised.value.__cause__, LookupError)
    assert room.place is None or room.place.seq == 0
    assert not tasks()


async def test_the_programs_own_error_comes_first(make_room: MakeRoom) -> None:
    """What is raised within `async with` leaves it as it is."""
    with pytest.raises(LookupError):
        async with make_room():
            raise LookupError
    assert not tasks()


async def test_entering_is_cancelled(server: FakeServer, make_room: MakeRoom) -> None:
    """A program that gives up while entering leaves no task behind."""
    server.statuses = [502] * 1000
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), make_room():
            pytest.fail("entered")
    assert not tasks()


async def test_entering_fails_without_a_trace(server: FakeServer, make_room: MakeRoom) -> None:
    """So does one that finds nobody."""
    server.statuses = [502] * 1000
    with pytest.raises(Unreachable):
        async with make_room(open_timeout=0.1, on_message=print):
            pytest.fail("entered")
    assert not tasks()


async def test_reading_is_cancelled(server: FakeServer, make_room: MakeRoom) -> None:
    """A cancelled wait for a message loses none."""
    async with make_room() as room:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(room)
        await server.store("one")
        assert [message.text for message in await take(room, 1)] == ["one"]
