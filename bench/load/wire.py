"""HTTP/1.1 as far as the generator needs it: requests to bytes, bytes to responses."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from bench.errors import WrongAnswer


@dataclass(frozen=True, slots=True)
class Response:
    """`head` is everything before the blank line, in lower case; its first line is the status line."""

    status: int
    head: bytes
    body: bytes


def encode_request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"", host: str = "127.0.0.1"
) -> bytes:
    """One request, ready to be written."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or method in {"POST", "PUT", "PATCH"}:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass(frozen=True, slots=True)
class Request:
    """`data` is what is written; `subject` is for whoever checks the answer, such as the id that was asked for."""

    data: bytes
    subject: Any = None


class Wire(asyncio.Protocol):
    """One connection with at most one request in flight, `request`.

    `answered` is called with each response and may send the next request; `lost` with the reason when the connection
    ends without `close`.
    """

    def __init__(self, answered: Callable[["Wire", Response], None], lost: Callable[[Exception], None]) -> None:
        self.answered = answered
        self.request: Request | None = None
        self._lost = lost
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: Request) -> None:
        """Write one request."""
        self.request = request
        if self._transport is not None:
            self._transport.write(request.data)

    def close(self) -> None:
        """Close without a report."""
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's."""
        if not self._closing:
            self._lost(WrongAnswer(f"the server closed the connection: {exc or 'without an error'}"))

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        self._buffer = self._buffer + data if self._buffer else data
        try:
            response, self._buffer = decode_response(self._buffer)
        except WrongAnswer as error:
            self._lost(error)
            return
        if response is not None:
            self.answered(self, response)


def decode_response(buffer: bytes) -> tuple[Response | None, bytes]:
    """The first whole response of `buffer` (None where there is none yet), and what is left; raises `WrongAnswer`."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None, buffer
    head = buffer[:end].lower()
    try:
        status = int(head[9:12])
    except ValueError:
        raise WrongAnswer(f"not HTTP: {buffer[:60]!r}") from None
    length = header(head, b"content-length")
    if length is not None:
        stop = end + 4 + int(length)
        if len(buffer) < stop:
            return None, buffer
        return Response(status, head, buffer[end + 4 : stop]), buffer[stop:]
    if header(head, b"transfer-encoding") == b"chunked":
        return _chunked(status, head, buffer, end + 4)
    raise WrongAnswer(f"a response without a length: {head[:200]!r}")


def _chunked(status: int, head: bytes, buffer: bytes, position: int) -> tuple[Response | None, bytes]:
    body = bytearray()
    while (line := buffer.find(b"\r\n", position)) >= 0:
        size = int(buffer[position:line], 16)
        position = line + 2 + size + 2
        if position > len(buffer):
            break
        if size == 0:
            return Response(status, head, bytes(body)), buffer[position:]
        body += buffer[line + 2 : line + 2 + size]
    return None, buffer


def header(head: bytes, name: bytes) -> bytes | None:
    """The value of a header in a lower-cased head, or None."""
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else None].strip()
