"""A WebSocket client of the chat protocol that records every frame."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.e2e.recording import WITHIN, Recording, has
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

PROTOCOL = "millrace.v1"

type Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """How to knock: a ticket, or a cookie with an Origin, or nothing at all (a guest)."""

    ticket: str | None = None
    cookie: str | None = None
    origin: str | None = None

    @property
    def subprotocols(self) -> list[Subprotocol]:
        """The protocol, and the ticket where there is one: a browser has no other field to put it in."""
        names = [PROTOCOL] if self.ticket is None else [PROTOCOL, f"ticket.{self.ticket}"]
        return [Subprotocol(name) for name in names]


class ChatSocket(Recording[Frame]):
    """An open socket; `items` are its frames."""

    def __init__(self, name: str, connection: ClientConnection) -> None:
        super().__init__(name)
        self.connection = connection

    async def read(self) -> None:
        """Record frames until the socket closes."""
        with contextlib.suppress(ConnectionClosed):
            async for text in self.connection:
                await self.add(json.loads(text))
        await self.end(f"close code {self.connection.close_code}")

    async def send(self, frame: Any) -> None:
        """Send `frame` as JSON; text and bytes go as they are."""
        await self.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def say(self, message: str, client_id: str | None = None) -> str:
        """Send a message; returns its id."""
        client_id = client_id or str(uuid.uuid4())
        await self.send({"message": message, "id": client_id})
        return client_id

    async def expect(self, within: float = WITHIN, **fields: Any) -> Frame:
        """The first frame, old or new, that has all these fields."""
        return await self.first(has(**fields), f"frame with {fields}", within)

    async def answer(self, within: float = WITHIN) -> None:
        """Returns once the server has dealt with everything that was sent before: it pongs in order."""
        before = len(self.of("pong"))
        await self.send({"type": "ping"})
        await self.until("pong", lambda items: len(self.of("pong")) > before or None, within)

    def of(self, kind: str) -> list[Frame]:
        """All frames of one type so far."""
        return [frame for frame in self.items if frame.get("type") == kind]

    @property
    def messages(self) -> list[Frame]:
        """All messages so far."""
        return self.of("message")

    @property
    def seqs(self) -> list[int]:
        """The numbers of all messages so far."""
        return [frame["seq"] for frame in self.messages]


async def joined(socket: ChatSocket) -> Frame:
    """Waits for the end of the history; returns the `synced` frame."""
    return await socket.expect(type="synced")


@contextlib.asynccontextmanager
async def open_socket(
    base: str, room: str, entry: Entry, query: Mapping[str, Any] | None = None, *, sync: bool = True
) -> AsyncIterator[ChatSocket]:
    """A socket in `room`, after its history where `sync` is set; closed and read to its end afterwards."""
    url = f"{base}/ws/chat/{room}/" + (f"?{urlencode(query)}" if query else "")
    async with connect(url, **_handshake(entry), open_timeout=WITHIN) as connection:
        socket = ChatSocket(f"socket in {room}", connection)
        reading = asyncio.create_task(socket.read())
        try:
            if sync:
                await joined(socket)
            yield socket
        finally:
            await connection.close()
            await reading


async def refusal(base: str, room: str, entry: Entry, query: Mapping[str, Any] | None = None) -> int:
    """How the server refuses a socket: the close code of one that it accepted to say so, else the HTTP status.

    Fails where the socket gets to see anything of the room.
    """
    try:
        async with open_socket(base, room, entry, query, sync=False) as socket:
            await socket.until_ended()
            assert not [frame for frame in socket.items if frame.get("type") != "error"], socket.items
            return socket.connection.close_code or 0
    except InvalidStatus as error:
        return error.response.status_code
    except InvalidHandshake as error:
        raise AssertionError(f"the handshake failed in an unexpected way: {error}") from error


def _handshake(entry: Entry) -> dict[str, Any]:
    return {
        "subprotocols": entry.subprotocols,
        "origin": Origin(entry.origin) if entry.origin is not None else None,
        "additional_headers": {"Cookie": entry.cookie} if entry.cookie is not None else None,
        # Frames are compared byte for byte by the server's own suite; here compression would only cost processor time.
        "compression": None,
    }
