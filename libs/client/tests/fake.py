"""A scripted server that speaks the protocol over real sockets.

Left alone it is a faithful room. `scripts` are for the next connections, one each: a script is a coroutine function
that gets the `Visit` and may use its parts (`join`, `serve`, ...) in any order, or break every promise.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

type Script = Callable[["Visit"], Awaitable[None]]
type Json = dict[str, Any]


@dataclass(eq=False)
class Visit:
    """One connection; `frames` are all that the client sent."""

    server: "FakeServer"
    socket: ServerConnection
    query: dict[str, str]
    offered: list[str]
    frames: list[Json] = field(default_factory=list)

    async def send(self, **frame: Any) -> None:
        """Send a frame."""
        await self.socket.send(json.dumps(frame))

    async def join(self) -> None:
        """History from the place that was asked for, then `synced`."""
        server = self.server
        since, epoch = self.query.get("since"), self.query.get("epoch")
        first = max(0, len(server.log) - 50)
        if since is not None:
            if epoch == server.epoch and int(since) <= len(server.log):
                first = int(since)
            else:
                await self.send(type="resync_required", room="lobby", epoch=server.epoch)
        for message in server.log[first:]:
            await self.send(**message)
        await self.synced()

    async def synced(self) -> None:
        """History ends here."""
        await self.send(type="synced", room="lobby", seq=len(self.server.log), epoch=self.server.epoch)
        self.server.live.append(self)

    async def next(self) -> Json:
        """The next frame of the client."""
        frame: Json = json.loads(await self.socket.recv())
        self.frames.append(frame)
        return frame

    async def serve(self) -> None:
        """Store, acknowledge and deliver whatever comes, without end."""
        while True:
            frame = await self.next()
            if frame["type"] == "message":
                stored = await self.server.store(frame["message"], frame["id"])
                await self.send(type="ack", id=stored["id"], seq=stored["seq"])

    async def close(self, code: int) -> None:
        """Close with `code`."""
        await self.socket.close(code)

    def abort(self) -> None:
        """Cut the connection without a word."""
        self.socket.transport.abort()


async def faithful(visit: Visit) -> None:
    """What the real one does."""
    await visit.join()
    await visit.serve()


class FakeServer:
    """A room, `lobby`; `visits` are all connections, `log` is what is stored, `live` who is told of it."""

    def __init__(self) -> None:
        self.log: list[Json] = []
        self.epoch = str(uuid4())
        self.visits: list[Visit] = []
        self.live: list[Visit] = []
        self.requests: list[Request] = []
        self.scripts: list[Script] = []
        self.statuses: list[int | None] = []
        self.url = ""

    async def store(self, text: str, client_id: str | None = None) -> Json:
        """Store a message, once for each id, and deliver it to everybody."""
        client_id = str(UUID(client_id)) if client_id else str(uuid4())
        for message in self.log:
            if message["id"] == client_id:
                return message
        message = self.message(len(self.log) + 1, text, client_id)
        self.log.append(message)
        for visit in self.live:
            with contextlib.suppress(ConnectionClosed):
                await visit.send(**message)
        return message

    def message(self, seq: int, text: str, client_id: str | None = None) -> Json:
        """A `message` frame."""
        return {
            "type": "message", "room": "lobby", "seq": seq, "id": client_id or str(uuid4()), "message": text,
            "username": "ada", "ts": "2026-01-02T03:04:05.678901Z",
        }  # fmt: skip

    def start_over(self, *texts: str) -> None:
        """The room gets another epoch and another log."""
        self.epoch = str(uuid4())
        self.log = [self.message(number, text) for number, text in enumerate(texts, 1)]

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else None
        return socket.respond(status, "no\n") if status is not None else None

    async def _visited(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = {name: values[-1] for name, values in parse_qs(urlsplit(socket.request.path).query).items()}
        offered = [name.strip() for name in socket.request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        visit = Visit(self, socket, query, offered)
        self.visits.append(visit)
        try:
            with contextlib.suppress(ConnectionClosed):
                await (self.scripts.pop(0) if self.scripts else faithful)(visit)
        finally:
            if visit in self.live:
                self.live.remove(visit)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[FakeServer]:
    """A server on a free port."""
    server = FakeServer()

    def select(_: ServerConnection, offered: Any) -> Subprotocol | None:
        return Subprotocol("millrace.v1") if "millrace.v1" in offered else None

    async with serve(
        server._visited, "127.0.0.1", 0, process_request=server._admit, select_subprotocol=select, close_timeout=1
    ) as listening:
        host, port = next(iter(listening.sockets)).getsockname()[:2]
        server.url = f"ws://{host}:{port}"
        yield server


async def forever() -> None:
    """Until the test ends."""
    await asyncio.Event().wait()
