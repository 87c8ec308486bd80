"""Frames that are wrong, unknown, too long or too many: told to the client, and the socket stays open."""

import asyncio
import contextlib
from typing import Any

import pytest
from tests.e2e.conftest import OpenSocket
from tests.e2e.people import Person, unique
from tests.e2e.recording import WITHIN, poll
from tests.e2e.sockets import ChatSocket, Entry
from websockets.exceptions import ConnectionClosed

ROOM = "python"

BAD: list[tuple[str, Any, str]] = [
    ("not-json", "{", "bad_request"),
    ("empty", "", "bad_request"),
    ("deep", "[" * 8000, "bad_request"),
    ("list", "[1, 2]", "bad_request"),
    ("number", "7", "bad_request"),
    ("binary", b"\x00\x01", "bad_request"),
    ("binary-json", b'{"message": "hi"}', "bad_request"),
    ("unknown-type", {"type": "dance"}, "bad_request"),
    ("type-number", {"type": 5}, "bad_request"),
    ("no-message", {"type": "message"}, "bad_request"),
    ("message-number", {"message": 5}, "bad_request"),
    ("bad-id", {"message": "hi", "id": "7"}, "bad_request"),
    ("blank", {"message": "  "}, "bad_request"),
    ("nul", {"message": "nul \x00"}, "bad_request"),
    ("surrogate", '{"message": "\\ud800"}', "bad_request"),
    ("long", {"message": "x" * 4097}, "bad_request"),
    ("server-type", {"type": "ack", "id": "x", "seq": 1}, "bad_request"),
]


@pytest.mark.parametrize(("frame", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
async def test_a_bad_frame_is_told_and_the_socket_lives(
    enter: OpenSocket, alice: Person, frame: Any, code: str
) -> None:
    """The client gets an `error` frame, can still send, and the bad frame was not stored."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        await socket.send(frame)
        error = await socket.expect(type="error")
        assert error["error"]
        assert error["code"] == code
        client_id = await socket.say(unique("alive"))
        await socket.expect(type="ack", id=client_id)
        assert len(socket.of("ack")) == 1


async def test_a_frame_that_is_too_large_is_refused(enter: OpenSocket, alice: Person) -> None:
    """A frame over 16 KiB is an error, and the socket stays open."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        await socket.send({"message": "x" * 30_000})
        await socket.expect(type="error", code="too_large")
        await socket.answer()


async def test_a_frame_that_is_far_too_large_ends_the_socket(enter: OpenSocket, alice: Person) -> None:
    """A frame over 64 KiB is not even read: the socket is closed with 1009, and others notice nothing."""
    async with enter(ROOM, Entry()) as other:
        async with enter(ROOM, await alice.ticket(ROOM)) as socket:
            # The server may close before all of it is sent.
            with contextlib.suppress(ConnectionClosed):
                await socket.send({"message": "x" * 200_000})
            await socket.until_ended()
            assert socket.connection.close_code == 1009
        await other.answer()


async def test_unknown_fields_are_ignored(enter: OpenSocket, alice: Person) -> None:
    """A client of a later release may say more than this one understands."""
    text = unique("newer")
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        await socket.send({"message": text, "colour": "blue", "v": 2})
        await socket.expect(type="message", message=text)


async def test_a_sender_cannot_pose_as_somebody_else(enter: OpenSocket, alice: Person, bob: Person) -> None:
    """Who said something is what the server knows, whatever the frame says."""
    text = unique("posing")
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        await socket.send({"message": text, "username": bob.username, "room": "staff", "seq": 1, "ts": "never"})
        frame = await socket.expect(type="message", message=text)
    assert (frame["username"], frame["room"]) == (alice.username, ROOM)


async def test_ping_is_answered(enter: OpenSocket) -> None:
    """`ping` brings `pong`, for clients that cannot send the protocol's own."""
    async with enter(ROOM, Entry()) as socket:
        await socket.send({"type": "ping"})
        assert await socket.expect(type="pong") == {"type": "pong"}


async def test_the_protocols_own_ping_is_answered(enter: OpenSocket) -> None:
    """A WebSocket ping brings a WebSocket pong."""
    async with enter(ROOM, Entry()) as socket:
        async with asyncio.timeout(WITHIN):
            await (await socket.connection.ping())


async def test_sending_too_fast_is_told(enter: OpenSocket, alice: Person) -> None:
    """A burst far over the rate brings `too_fast` errors; after a moment the same socket is served again."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        # The slower the server is, the more it takes at its rate; sending without waiting is faster than any rate.
        while not socket.of("error"):
            await _burst(socket, 40)
        await socket.expect(type="error", code="too_fast")
        client_id = await socket.say("patient")

        async def ask() -> bool | None:
            # Repeated with the same id, as a client does: it is stored once, whichever attempt gets through.
            await socket.say("patient", client_id)
            return any(frame["id"] == client_id for frame in socket.of("ack")) or None

        await poll(ask, "acknowledgement", every=0.3)


async def _burst(socket: ChatSocket, count: int) -> None:
    """Send pings at once, and wait until each has its answer, a pong or an error."""
    before = len(socket.of("pong")) + len(socket.of("error"))
    for _ in range(count):
        await socket.send({"type": "ping"})

    def answered(_: object) -> bool | None:
        return len(socket.of("pong")) + len(socket.of("error")) >= before + count or None

    await socket.until("answers", answered)
