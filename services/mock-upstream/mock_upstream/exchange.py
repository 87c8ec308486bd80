"""One request and its answer, over ASGI."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mock_upstream.asgi import Headers, Receive, Scope, Send
from mock_upstream.connection import connection_of
from mock_upstream.errors import ClientDisconnectError, RequestError

_LONGEST_REQUEST_ID = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, encoded JSON and extra headers."""

    status: int
    body: bytes
    headers: Headers = ()


def json_answer(value: object, status: int = 200, headers: Headers = ()) -> Answer:
    return Answer(status, json.dumps(value, separators=(",", ":")).encode(), headers)


class Exchange:
    """The request's parts that matter here, and the ways to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.connection = connection_of(scope)
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._receive = receive
        self._send = send

    async def body(self, limit: int) -> bytes:
        """The request's body. Raises RequestError 413 beyond `limit` bytes, ClientDisconnectError."""
        refusal = RequestError(413, f"The body must be at most {limit} bytes")
        declared = self._headers.get(b"content-length", b"")
        # Refused before it is read, where the client says so itself; the server has checked that these are digits.
        if declared and int(declared) > limit:
            raise refusal
        parts = bytearray()
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectError
            parts += message.get("body", b"")
            if len(parts) > limit:
                raise refusal
            more = message.get("more_body", False)
        return bytes(parts)

    async def answer(self, answer: Answer) -> None:
        await self.start(answer.status, len(answer.body), answer.headers)
        await self.write(answer.body, more=False)

    async def start(self, status: int, length: int, headers: Headers = ()) -> None:
        """Send the head of an answer with a body of `length` bytes."""
        sent = [(b"content-type", b"application/json"), (b"content-length", str(length).encode()), *headers]
        request_id = self._headers.get(b"x-request-id", b"")
        if _is_sane(request_id):
            sent.append((b"x-request-id", request_id))
        await self._send({"type": "http.response.start", "status": status, "headers": sent})

    async def write(self, body: bytes, *, more: bool) -> None:
        """Send a part of the body, which the server leaves out for HEAD."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def departed(self) -> None:
        """Return when the client has left, or the connection was closed from this side."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    @contextmanager
    def waiting(self) -> Iterator["Patience"]:
        """Watch the connection for as long as the block runs."""
        left = asyncio.create_task(self.departed())
        draining = asyncio.create_task(self.connection.draining.wait())
        try:
            yield Patience(left, draining)
        finally:
            left.cancel()
            draining.cancel()


class Patience:
    """Waits that end at once when the client leaves or the server drains."""

    def __init__(self, left: asyncio.Task[None], draining: asyncio.Task[object]) -> None:
        self._left = left
        self._ends: set[asyncio.Task[object]] = {left, draining}

    async def wait(self, seconds: float | None) -> None:
        """Wait, with None for ever; on drain return early. Raises ClientDisconnectError."""
        await asyncio.wait(self._ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._left.done():
            raise ClientDisconnectError


def _is_sane(request_id: bytes) -> bool:
    return 0 < len(request_id) <= _LONGEST_REQUEST_ID and all(0x20 <= byte < 0x7F for byte in request_id)
