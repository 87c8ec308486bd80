"""Requests to one origin at a steady rate, each with what came of it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp

# A POST without an id may not be repeated, so each one that fails is seen.
REQUESTS = (
    ("GET", "/api/items/"),
    ("POST", "/api/items/"),
    ("GET", "/api/me/"),
    ("GET", "/api/rooms/lobby/messages/"),
)
# Below this share of the asked rate the generator, or the machine that it runs on, was too slow.
_ENOUGH = 0.9


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. `at`: when it began, in seconds of the monotonic clock; `failure` is empty if it succeeded."""

    method: str
    path: str
    at: float
    took: float
    failure: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.failure} after {self.took:.2f} s"


@dataclass(slots=True)
class Requests:
    """All of them: `begun` counts those under way too."""

    rate: float
    begun: int = 0
    seconds: float = 0.0
    answers: list[Answer] = field(default_factory=list)

    @property
    def failed(self) -> list[Answer]:
        """Those without an answer, or with an error."""
        return [answer for answer in self.answers if answer.failure]

    @property
    def reached(self) -> float:
        """Requests a second."""
        return self.begun / self.seconds if self.seconds else 0.0

    @property
    def short(self) -> bool:
        """The generator did not reach the rate that it was asked for."""
        return self.reached < _ENOUGH * self.rate


@contextlib.asynccontextmanager
async def requests(
    url: str, rate: float, token: str, *, fresh: float = 0.0, patience: float = 10.0
) -> AsyncIterator[Requests]:
    """Send `rate` requests a second, answered or not, a share `fresh` of them on new connections.

    On leaving, every request has its answer, or has waited `patience` seconds for it.
    """
    counted = Requests(rate)
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=patience)
    kept, new = aiohttp.TCPConnector(limit=0), aiohttp.TCPConnector(limit=0, force_close=True)
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(
                aiohttp.ClientSession(url, headers=headers, timeout=timeout, connector=connector)
            )
            for connector in (kept, new)
        ]
        async with asyncio.TaskGroup() as group:
            began = loop.time()
            sending = group.create_task(_send(sessions, fresh, counted, group))
            yield counted
            sending.cancel()
            counted.seconds = loop.time() - began


async def _send(
    sessions: list[aiohttp.ClientSession], fresh: float, counted: Requests, group: asyncio.TaskGroup
) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        # Decided for each cycle of all kinds, so that each kind is sent on both kinds of connections.
        cycle, kind = divmod(counted.begun, len(REQUESTS))
        new = int((cycle + 1) * fresh) > int(cycle * fresh)
        group.create_task(_ask(sessions[new], *REQUESTS[kind], counted))
        counted.begun += 1
        due += 1 / counted.rate
        await asyncio.sleep(max(0.0, due - loop.time()))


async def _ask(session: aiohttp.ClientSession, method: str, path: str, counted: Requests) -> None:
    loop = asyncio.get_running_loop()
    body = {"n": 1} if method == "POST" else None
    began, failure = loop.time(), ""
    try:
        async with session.request(method, path, json=body) as answer:
            text = await answer.text()
            if answer.status >= 400:
                said = json.loads(text).get("error") if answer.content_type == "application/json" else text[:80]
                failure = f"{answer.status}, {answer.headers.get('X-Request-ID')}, {said}"
    except (aiohttp.ClientError, TimeoutError) as error:
        failure = repr(error)
    counted.answers.append(Answer(method, path, began, loop.time() - began, failure))
