"""A reader of Server-Sent Events, for hundreds of streams in one process."""

import asyncio
from collections.abc import Callable
from typing import cast


class Stream(asyncio.Protocol):
    """One stream; `on_event` gets each event whole, with its fields, `closed` is done when it is over."""

    def __init__(self, path: str, headers: str, on_event: Callable[[bytes], None]) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}Accept: text/event-stream\r\n\r\n".encode()
        self._on_event = on_event
        self._buffer = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def close(self) -> None:
        """Drop the connection."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """The head of the response first, then events."""
        self._buffer += data
        if not self._open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                self.transport.abort()
                return
            self._open, self._buffer = True, rest
        # Chunks carry whole events here, and what is between them holds no blank line.
        *events, self._buffer = self._buffer.split(b"\n\n")
        for event in events:
            self._on_event(event)

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self.closed.set_result(None)
