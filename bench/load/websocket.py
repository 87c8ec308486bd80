"""A WebSocket client for thousands of sockets in one process: what a load generator needs, and no more.

It answers pings, checks the handshake's status, and calls `on_text` with each text message's payload. It does not check
`Sec-WebSocket-Accept`, sends one mask for all, and takes no fragmented messages: no server here makes any.
"""

import asyncio
import base64
from collections.abc import Callable
from typing import cast

_KEY = base64.b64encode(b"millrace-benches").decode()
_MASK = b"\x00\x00\x00\x00"
_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame; the mask is zero, which leaves the payload as it is."""
    size = len(payload)
    if size <= 125:
        return bytes((0x80 | opcode, 0x80 | size)) + _MASK + payload
    return bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2) + _MASK + payload


class WebSocket(asyncio.Protocol):
    """One client's socket. `opened` is done after the handshake, `closed` when the connection is gone."""

    def __init__(self, path: str, on_text: Callable[[bytes], None], headers: str = "") -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.close_code: int | None = None
        self._path, self._headers = path, headers
        self._on_text = on_text
        self._buffer = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        # uvloop's transports are asyncio's by their methods only.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n{self._headers}\r\n".encode()
        )

    def send(self, text: bytes) -> None:
        """Send one text message."""
        self.transport.write(masked(_TEXT, text))

    def close(self) -> None:
        """Drop the connection, without a closing handshake."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """The handshake's answer first, then frames."""
        if self._buffer:
            data = self._buffer + data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            self._answered(head)
        self._buffer = self._frames(data)

    def _answered(self, head: bytes) -> None:
        status = head.split(b" ", 2)[1]
        if status != b"101":
            self.transport.abort()
            raise ConnectionError(f"handshake refused: {status.decode()}")
        self._open = True
        if not self.opened.done():
            self.opened.set_result(None)

    def _frames(self, data: bytes) -> bytes:
        """Handle all complete frames; the rest."""
        place, end = 0, len(data)
        while end - place >= 2:
            size, start = data[place + 1], place + 2
            if size == 126:
                size, start = int.from_bytes(data[place + 2 : place + 4]), place + 4
            elif size == 127:
                size, start = int.from_bytes(data[place + 2 : place + 10]), place + 10
            if end < start + size:
                break
            opcode = data[place]
            place = start + size
            if opcode == 0x80 | _TEXT:
                self._on_text(data[start:place])
            else:
                self._control(opcode & 0xF, data[start:place])
        return data[place:]

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self.transport.write(masked(0xA, payload))
        elif opcode == _CLOSE:
            self.close_code = int.from_bytes(payload[:2]) if payload else None
            self.transport.write(masked(_CLOSE, payload[:2]))

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed during the handshake"))
        if not self.closed.done():
            self.closed.set_result(None)
