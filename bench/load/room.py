"""Members of a room, thousands of them, that count and check every message they get."""

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from bench.contestant import HOST
from bench.errors import WrongAnswer
from bench.load.websocket import WebSocket

type Dialect = Literal["plain", "socketio"]

# Bytes around the text are up to the contestant, about 190 in all.
_FILL = "the quick brown fox jumps"
_AT_ONCE = 50
JOIN_SECONDS = 60.0
MESSAGE_SECONDS = 60.0


def text(number: int) -> str:
    """What message `number` says; nothing else that a contestant sends contains it."""
    return f"#{number:06d} {_FILL}#"


class Audience:
    """All members of one room: what they have to get next, and how many have got it."""

    def __init__(self) -> None:
        self.expected = text(0).encode()
        self.number = 0
        self.received = 0
        self.size = 0
        self.wrong = ""
        self.everybody = asyncio.Event()

    def next(self) -> str:
        """The text of the next message, which every member has to get once."""
        self.number += 1
        self.expected = text(self.number).encode()
        self.received = 0
        self.everybody.clear()
        return text(self.number)

    async def reached(self) -> None:
        """Wait until every member has it; raises `WrongAnswer` for one that did not, or got something else."""
        try:
            async with asyncio.timeout(MESSAGE_SECONDS):
                await self.everybody.wait()
        except TimeoutError:
            raise WrongAnswer(f"message {self.number} reached {self.received} of {self.size} members") from None
        if self.wrong:
            raise WrongAnswer(self.wrong)


class Member:
    """One socket in the room, of a server that speaks `dialect`."""

    def __init__(self, room: str, audience: Audience, dialect: Dialect) -> None:
        self.room = room
        self.audience = audience
        self.got = 0
        self.synced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.socket: WebSocket
        self._socketio = dialect == "socketio"

    async def join(self, port: int, query: str = "") -> None:
        """Connect, and wait until the server says that from now on messages come."""
        path = "/socket.io/?EIO=4&transport=websocket" if self._socketio else f"/ws/chat/{self.room}/{query}"
        self.socket = WebSocket(path, self.heard)
        await asyncio.get_running_loop().create_connection(lambda: self.socket, HOST, port)
        async with asyncio.timeout(JOIN_SECONDS):
            await self.socket.opened
            await self.synced

    def leave(self) -> None:
        """Drop the connection."""
        self.socket.close()

    def post(self, words: str) -> None:
        """Send a message to the room."""
        body = f'{{"message": "{words}"}}'
        self.socket.send((f'42["message",{body}]' if self._socketio else body).encode())

    def heard(self, payload: bytes) -> None:
        """A text message of the server's."""
        audience = self.audience
        if audience.expected in payload and self.got != audience.number:
            self.got = audience.number
            audience.received += 1
            if audience.received == audience.size:
                audience.everybody.set()
        elif b"brown fox" in payload and self.synced.done():
            audience.wrong = f"a message that was not due (number {audience.number} is): {payload!r}"
            audience.everybody.set()
        else:
            self._other(payload)

    def _other(self, payload: bytes) -> None:
        if b"synced" in payload:
            if not self.synced.done():
                self.synced.set_result(None)
        elif self._socketio:
            if payload == b"2":
                self.socket.send(b"3")
            elif payload[:1] == b"0":
                self.socket.send(b"40")
            elif payload[:2] == b"40":
                self.socket.send(f'42["join","{self.room}"]'.encode())


async def gathered[Joining: Member](make: Callable[[], Joining], count: int, port: int) -> list[Joining]:
    """`count` members that have joined; so many at a time that no server's backlog overflows."""
    members: list[Joining] = []
    while len(members) < count:
        some = [make() for _ in range(min(_AT_ONCE, count - len(members)))]
        await asyncio.gather(*(member.join(port) for member in some))
        members += some
    return members


class Room:
    """A room with its members."""

    def __init__(self, members: list[Member], audience: Audience) -> None:
        self.members = members
        self.audience = audience
        self._turn = 0

    @classmethod
    async def fill(cls, port: int, name: str, size: int, dialect: Dialect) -> "Room":
        """`size` members in room `name`."""
        audience = Audience()
        members = await gathered(lambda: Member(name, audience, dialect), size, port)
        audience.size = size
        return cls(members, audience)

    async def post(self) -> float:
        """Have the next member post, and wait until all have it; seconds."""
        member = self.members[self._turn % len(self.members)]
        self._turn += 1
        start = time.perf_counter()
        member.post(self.audience.next())
        await self.audience.reached()
        return time.perf_counter() - start

    async def leave(self) -> None:
        """Drop all connections."""
        for member in self.members:
            member.leave()
        await asyncio.gather(*(member.socket.closed for member in self.members))
