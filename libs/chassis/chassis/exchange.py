"""For tests: drives an ASGI application by hand, so that they decide what the client sends, reads and when it goes."""

import asyncio
from collections.abc import Iterable
from typing import Any

from async_handler.types import ASGIApplication

DEADLINE = 30


class Exchange:
    """One request: `send_body` and `leave` are the client's side, `start` and `body` what the application answers."""

    def __init__(
        self, application: ASGIApplication, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> None:
        raw = [
            (name.lower().encode(), value.encode()) for name, value in {"Host": "testserver", **(headers or {})}.items()
        ]
        path, _, query = path.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": raw,
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
            "root_path": "",
            "asgi": {"version": "3.0"},
        }
        self.headers: dict[str, str] = {}
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.ensure_future(application(scope, self._in.get, self._out.put))  # type: ignore[arg-type]

    def send_body(self, chunks: Iterable[bytes] = (b"",)) -> None:
        """Send the whole body."""
        parts = list(chunks)
        for number, chunk in enumerate(parts, start=1):
            self._in.put_nowait({"type": "http.request", "body": chunk, "more_body": number < len(parts)})

    def leave(self) -> None:
        """Close the connection."""
        self._in.put_nowait({"type": "http.disconnect"})

    async def start(self) -> int:
        """The status; the headers are in `headers` afterwards, their names in lower case."""
        message = await self._next()
        self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        status: int = message["status"]
        return status

    async def chunk(self) -> bytes:
        """The next piece of the body."""
        piece: bytes = (await self._next()).get("body", b"")
        return piece

    async def body(self) -> bytes:
        """The rest of the body."""
        received = bytearray()
        while True:
            message = await self._next()
            received += message.get("body", b"")
            if not message.get("more_body"):
                return bytes(received)

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            return await self._out.get()

    async def ended(self) -> None:
        """Wait until the application is done with the request."""
        async with asyncio.timeout(DEADLINE):
            await self.task

    @property
    def answered(self) -> bool:
        """True if anything was sent."""
        return not self._out.empty()
