"""A request whose client can go away at a chosen moment, as a server would tell the application."""

import asyncio

from async_handler.types import ASGIApplication, Message
from testing.waiting import DEADLINE


class AbortableRequest:
    """A GET that is in flight from its making."""

    def __init__(self, application: ASGIApplication, path: str) -> None:
        self._gone = asyncio.Event()
        self._asked = False
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"testserver")],
        }
        self.task = asyncio.ensure_future(application(scope, self._receive, self._send))

    def leave(self) -> None:
        """The client goes away."""
        self._gone.set()

    async def finished(self) -> None:
        """Wait until the application has nothing more to do for this request."""
        async with asyncio.timeout(DEADLINE):
            await self.task

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        """Nobody reads the answer."""
