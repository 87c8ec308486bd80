"""A client by Server-Sent Events, as a browser's EventSource: it resumes with `Last-Event-ID`."""

import asyncio
from typing import Any

import aiohttp
from tests.chaos.member import Member, Refused

# Until the answer begins; a stream itself has no end.
_OPEN_TIMEOUT = 6.0
_NONE = aiohttp.ClientTimeout(total=None)


class SSEMember(Member):
    """Reads a room's events from the api at `api`; its person has to be signed in."""

    kind = "sse"

    def __init__(self, *who: Any, api: str, session: aiohttp.ClientSession) -> None:
        super().__init__(*who)
        self._api = api
        self._session = session

    async def session(self) -> int | None:
        headers = {} if self.person is None else dict(self.person.bearer)
        if self.last is not None:
            headers["Last-Event-ID"] = str(self.last)
        url = f"{self._api}/api/rooms/{self.room}/events/"
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT):
                answering = await self._session.get(url, headers=headers, timeout=_NONE)
            async with answering as answer:
                if answer.status != 200:
                    raise Refused(f"http {answer.status}", answer.status)
                self.opened("api")
                await self._read(answer)
                return None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Refused(type(error).__name__) from error

    async def _read(self, answer: aiohttp.ClientResponse) -> None:
        why, data = "ended", ""
        try:
            async for raw in answer.content:
                line = raw.decode().rstrip("\r\n")
                if line.startswith("data: "):
                    data = line.removeprefix("data: ")
                elif not line and data:
                    # Only a blank line completes an event: half of one is nothing.
                    self.frame(data)
                    data = ""
        except (aiohttp.ClientError, OSError) as error:
            why = type(error).__name__
        self.record("close", conn=self.conn, why=why)
