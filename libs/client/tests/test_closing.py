"""What follows each close code of docs/protocol.md, and a handshake that fails."""

import asyncio
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from millrace_client import (
    Backoff,
    Forbidden,
    HandshakeRefused,
    NoSuchRoom,
    NotSignedIn,
    Room,
    RoomError,
    Unreachable,
)

from .conftest import DEADLINE, MakeRoom, take, until
from .fake import FakeServer, Script, Visit

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
FINAL: dict[int, type[RoomError]] = {4003: Forbidden, 4004: NoSuchRoom}
AT_ONCE = {1012, 4010, 4013, 4016}
LATER = {1000, 1001, 1002, 1007, 1009, 1011, 4008, 4011, 4012, 4029, 4999}


def close_after_joining(code: int) -> Script:
    """A server that closes with `code` when a client has joined."""

    async def script(visit: Visit) -> None:
        await visit.join()
        await visit.close(code)

    return script


def close_at_the_door(code: int) -> Script:
    """A server that closes with `code` before anything else."""

    async def script(visit: Visit) -> None:
        await visit.close(code)

    return script


def recorded(bounds: list[float]) -> Backoff:
    """Draws no delay and records the bound of each."""

    def uniform(low: float, high: float) -> float:
        assert low == 0
        bounds.append(high)
        return 0

    return Backoff(uniform=uniform)


def test_every_code_of_the_document_is_tested() -> None:
    """The page names no code that this suite does not."""
    listed = {int(code) for code in re.findall(r"^\| (4\d\d\d) \|", DOCUMENT, re.MULTILINE)}
    listed |= {int(code) for code in re.findall(r"\b(10\d\d)\b", DOCUMENT)} - {1006}
    assert listed <= FINAL.keys() | AT_ONCE | LATER | {4001}


@pytest.mark.parametrize(
    ("code", "bound"), [(code, 0.1) for code in sorted(AT_ONCE)] + [(code, 0.5) for code in sorted(LATER)]
)
async def test_coming_back(server: FakeServer, make_room: MakeRoom, code: int, bound: float) -> None:
    """Codes that say so are followed at once, all others after a longer delay; both resume where they were."""
    bounds: list[float] = []
    server.scripts = [close_after_joining(code)]
    async with make_room(backoff=recorded(bounds)) as room:
        async with asyncio.timeout(DEADLINE):
            assert await room.send("still here") == 1
    assert bounds == [bound]
    assert server.visits[1].query == {"since": "0", "epoch": server.epoch}


async def test_a_cut_is_followed_later(server: FakeServer, make_room: MakeRoom) -> None:
    """No code at all, which is 1006, is followed after a delay that grows with each in a row."""
    bounds: list[float] = []

    async def cut(visit: Visit) -> None:
        await visit.join()
        visit.abort()

    server.scripts = [cut] * 4
    async with make_room(backoff=recorded(bounds)) as room:
        async with asyncio.timeout(DEADLINE):
            await room.send("still here")
    assert bounds == [0.5, 1, 2, 4]


async def test_at_once_grows_too(server: FakeServer, make_room: MakeRoom) -> None:
    """A server that sends everybody away again and again is not asked without end."""
    bounds: list[float] = []
    server.scripts = [close_after_joining(1012)] * 4
    async with make_room(backoff=recorded(bounds)) as room:
        async with asyncio.timeout(DEADLINE):
            await room.send("still here")
    assert bounds == pytest.approx([0.1, 0.2, 0.4, 0.8])


async def test_a_connection_that_lasted(server: FakeServer, make_room: MakeRoom) -> None:
    """After a connection that lasted the delay starts over."""
    bounds: list[float] = []
    backoff = recorded(bounds)
    backoff.lasted = 0
    server.scripts = [close_at_the_door(4012)] * 2 + [close_after_joining(4012)] * 2
    async with make_room(backoff=backoff) as room:
        async with asyncio.timeout(DEADLINE):
            await room.send("still here")
    assert bounds == [0.5, 1, 0.5, 0.5]


@pytest.mark.parametrize(("code", "kind"), FINAL.items())
async def test_not_coming_back(server: FakeServer, make_room: MakeRoom, code: int, kind: type[RoomError]) -> None:
    """Codes that say so end the room on entering, with a typed error and no second connection."""
    server.scripts = [close_at_the_door(code)]
    with pytest.raises(kind):
        async with make_room():
            pytest.fail("entered")
    assert len(server.visits) == 1


async def stay(room: Room, waiting: str, inside: asyncio.Event) -> None:
    """Enter, say so, and wait in one of the ways that there are."""
    async with room, asyncio.timeout(DEADLINE):
        inside.set()
        match waiting:
            case "send":
                await room.send("hi")
            case "iterate":
                await anext(room)
            case "wait_closed":
                await room.wait_closed()
            case _:
                await until(lambda: not room.connected, "the end")


@pytest.mark.parametrize(("code", "kind"), [*FINAL.items(), (4001, NotSignedIn)])
@pytest.mark.parametrize("waiting", ["send", "iterate", "wait_closed", "leave"])
async def test_ended_in_the_middle(
    server: FakeServer, make_room: MakeRoom, code: int, kind: type[RoomError], waiting: str
) -> None:
    """Later they reach whoever waits: sends, the iterator, `wait_closed`, else the end of `async with`."""
    inside = asyncio.Event()

    async def revoke(visit: Visit) -> None:
        await visit.join()
        await inside.wait()
        await visit.close(code)

    server.scripts = [revoke]
    with pytest.raises(kind):
        await stay(make_room(), waiting, inside)
    assert len(server.visits) == 1


async def test_what_was_told_is_not_told_again(server: FakeServer, make_room: MakeRoom) -> None:
    """An error that the program has dealt with is not raised again on leaving."""
    server.scripts = [close_after_joining(4003)]
    async with make_room() as room:
        with pytest.raises(Forbidden):
            await room.wait_closed()
        with pytest.raises(Forbidden):
            await room.send("hi")


async def test_messages_before_the_end_are_delivered(server: FakeServer, make_room: MakeRoom) -> None:
    """What came before the room ended is not lost to it."""
    await server.store("one")
    server.scripts = [close_after_joining(4003)]
    async with make_room() as room:
        with pytest.raises(Forbidden):
            await room.wait_closed()
        assert [message.text for message in await take(room, 1)] == ["one"]
        with pytest.raises(Forbidden):
            await anext(room)


def counted(bought: list[str]) -> Callable[[str], object]:
    """A ticket source that records what it sold."""

    async def source(room: str) -> str:
        bought.append(f"{room}-{len(bought) + 1}")
        return bought[-1]

    return source


async def test_a_bad_ticket_is_renewed_once(server: FakeServer, make_room: MakeRoom) -> None:
    """After 4001 a new ticket is bought, once: the second refusal in a row ends the room."""
    bought: list[str] = []
    server.scripts = [close_at_the_door(4001), close_at_the_door(4001)]
    with pytest.raises(NotSignedIn):
        async with make_room(ticket=counted(bought)):
            pytest.fail("entered")
    assert bought == ["lobby-1", "lobby-2"]
    assert [visit.offered for visit in server.visits] == [
        ["millrace.v1", "ticket.lobby-1"], ["millrace.v1", "ticket.lobby-2"]
    ]  # fmt: skip


async def test_each_connection_has_its_ticket(server: FakeServer, make_room: MakeRoom) -> None:
    """A ticket that was renewed and then good may be renewed again."""
    bought: list[str] = []
    server.scripts = [close_at_the_door(4001), close_after_joining(4001)]
    async with make_room(ticket=counted(bought)) as room:
        async with asyncio.timeout(DEADLINE):
            await room.send("still here")
    assert bought == ["lobby-1", "lobby-2", "lobby-3"]


async def test_a_source_that_fails_is_asked_again(
    server: FakeServer, make_room: MakeRoom, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a ticket source raises is tried again, and what it says is not logged: it may hold a secret."""
    failures = [OSError("secret"), ValueError("secret")]

    async def source(room: str) -> str:
        if failures:
            raise failures.pop()
        return "good"

    with caplog.at_level(logging.INFO, "millrace_client"):
        async with make_room(ticket=source) as room:
            await room.send("hi")
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_source_that_refuses_ends_the_room(make_room: MakeRoom) -> None:
    """A `RoomError` of the ticket source is final."""

    async def source(room: str) -> str:
        raise NotSignedIn("gone")

    with pytest.raises(NotSignedIn, match="gone"):
        async with make_room(ticket=source):
            pytest.fail("entered")


async def test_a_cookie_with_its_origin(server: FakeServer, make_room: MakeRoom) -> None:
    """Cookie and Origin are sent as given, and no ticket; the cookie is not in what the room prints of itself."""
    room = make_room(cookie="sessionid=secret", origin="https://chat.example")
    async with room:
        headers = server.requests[0].headers
    assert (headers["Cookie"], headers["Origin"]) == ("sessionid=secret", "https://chat.example")
    assert server.visits[0].offered == ["millrace.v1"]
    assert "secret" not in repr(room)


async def test_a_refused_handshake(server: FakeServer, make_room: MakeRoom) -> None:
    """HTTP 403, a foreign Origin, is final."""
    server.statuses = [403]
    with pytest.raises(HandshakeRefused):
        async with make_room(origin="https://evil.example"):
            pytest.fail("entered")


async def test_a_server_that_is_about_to_end(server: FakeServer, make_room: MakeRoom) -> None:
    """HTTP 503 is followed at once, any other status later."""
    bounds: list[float] = []
    server.statuses = [503, 502]
    async with make_room(backoff=recorded(bounds)):
        pass
    assert bounds == [0.1, 1]


async def test_nobody_there(make_room: MakeRoom, server: FakeServer) -> None:
    """Where no connection comes about in time, entering says so, and why."""
    server.statuses = [502] * 1000
    for patience in (0.2, 2, 20):
        with pytest.raises(Unreachable) as raised:
            async with make_room(open_timeout=patience, backoff=Backoff(0.05, 0.05)):
                pytest.fail("entered")
        # A slow machine needs longer for the first of its attempts.
        if raised.value.__cause__ is not None:
            break
    assert "502" in str(raised.value.__cause__)


def test_a_url_that_is_none() -> None:
    """An address of another kind is refused before anything is opened."""
    with pytest.raises(ValueError, match="ws://"):
        Room("http://127.0.0.1", "lobby")
