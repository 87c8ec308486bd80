"""The least that a broadcast can cost in Python: a loop of `transport.write` over the members, of bytes made once.

`python app.py PORT`: asyncio on uvloop. A WebSocket handshake, or `GET /api/rooms/<room>/events/`, makes a member of
the room; what a member sends is framed once and written to all.
"""

import asyncio
import base64
import hashlib
import json
import sys
from typing import cast

import uvloop

from bench.peers import envelope

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
rooms: dict[str, dict[asyncio.Transport, None]] = {}


def frame(payload: bytes) -> bytes:
    """A text message."""
    if len(payload) <= 125:
        return bytes((0x81, len(payload))) + payload
    return bytes((0x81, 126)) + len(payload).to_bytes(2) + payload


class Member(asyncio.Protocol):
    """One connection; frames come in one piece each, as our load generator sends them, and requests in two."""

    room = ""
    socket = False
    buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """A request, or a message for all."""
        if self.room:
            self._message(data)
            return
        self.buffer += data
        head, whole, body = self.buffer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        method, path, _ = lines[0].decode().split(" ")
        room = path.split("/")[3]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        if not whole or len(body) < int(headers.get(b"content-length", 0)):
            return
        self.buffer = b""
        if method == "POST":
            publish(room, json.loads(body)["message"])
            self.transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")
            return
        self.room, self.socket = room, b"upgrade" in headers
        rooms.setdefault(room, {})[self.transport] = None
        if self.socket:
            accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + _GUID).digest())  # noqa: S324 - RFC 6455
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + frame(envelope.READY.encode())
            )
        else:
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                b"event: synced\ndata: " + envelope.READY.encode() + b"\n\n"
            )

    def _message(self, data: bytes) -> None:
        if data[0] != 0x81:
            return
        size, start = data[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(data[2:4]), 4
        mask, payload = data[start : start + 4], data[start + 4 : start + 4 + size]
        text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        publish(self.room, json.loads(text)["message"])

    def connection_lost(self, error: Exception | None) -> None:
        """Leave the room."""
        rooms.get(self.room, {}).pop(self.transport, None)


def publish(room: str, text: str) -> None:
    """Frame once, write to all: as messages where the room's members are sockets, else as events."""
    payload = json.dumps(envelope.message(room, text)).encode()
    message = frame(payload) if not room.startswith("sse") else b"event: message\nid: 1\ndata: " + payload + b"\n\n"
    for transport in rooms.get(room, ()):
        transport.write(message)


async def main(port: int) -> None:
    """Run until SIGTERM."""
    server = await asyncio.get_running_loop().create_server(Member, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
