"""A socket's way out: whoever has a frame for it hands it over at once, in order, and never waits for the reader."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from async_handler.types import Scope, Send
from realtime import wire

# The ASGI extensions of our own server: write one WebSocket message, and wait until the reader has room for more.
WRITE = "millrace.websocket.write"
FLUSHED = "millrace.websocket.flushed"
# So many messages may wait for another server to take them.
MAX_WAITING = 1000
CLOSE_SECONDS = 1.0


class Outlet(Protocol):
    """Takes WebSocket messages (`realtime.wire`)."""

    def write(self, message: bytes) -> None:
        """Send one; what is too much for a reader ends its socket."""

    async def flushed(self) -> None:
        """Wait for a reader that is slower than we send."""

    async def close(self) -> None:
        """Everything that was written has been handed over, or never will be."""


def outlet(scope: Scope, send: Send, too_slow: Callable[[], None]) -> Outlet:
    """The best outlet of the server that made `scope`; `too_slow` is called where the bound is kept here."""
    extensions = scope.get("extensions", {})
    return _Direct(extensions[WRITE], extensions[FLUSHED]) if WRITE in extensions else _Queued(send, too_slow)


class _Direct:
    """Straight to the server's transport, which keeps the bound."""

    def __init__(self, write: Callable[[bytes], None], flushed: Callable[[], Awaitable[None]]) -> None:
        self.write = write
        self._flushed = flushed

    async def flushed(self) -> None:
        await self._flushed()

    async def close(self) -> None:
        pass


class _Queued:
    """Through ASGI's `send`, which waits: by a task of its own."""

    def __init__(self, send: Send, too_slow: Callable[[], None]) -> None:
        self._send = send
        self._too_slow = too_slow
        self._waiting: deque[bytes] = deque()
        self._pump: asyncio.Task[None] | None = None

    def write(self, message: bytes) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._too_slow()
            return
        self._waiting.append(message)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._drain())

    async def flushed(self) -> None:
        if self._pump is not None and len(self._waiting) > MAX_WAITING // 2:
            await asyncio.wait({self._pump})

    async def close(self) -> None:
        if self._pump is not None and not self._pump.done():
            _, unfinished = await asyncio.wait({self._pump}, timeout=CLOSE_SECONDS)
            for pump in unfinished:
                pump.cancel()

    async def _drain(self) -> None:
        while self._waiting:
            text = wire.payload(self._waiting.popleft()).decode()
            await self._send({"type": "websocket.send", "text": text})
