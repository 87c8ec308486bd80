"""Requests to the gateway at a steady rate, each with what came of it, in the history."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
from tests.chaos.history import History
from tests.chaos.people import Person

# Of all together, a second.
RATE = 12.0
# Longer than the gateway waits for one replica, so that it can ask another one.
_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True)
class Question:
    """`database`: by a user who is signed in, which only the database can tell. A POST may not be asked of two.

    `answers` are the statuses that count as one.
    """

    method: str
    path: str
    answers: frozenset[int] = frozenset({200, 201})
    database: bool = False


QUESTIONS = (
    Question("GET", "/api/items/"),
    Question("GET", "/api/rooms/", database=True),
    Question("POST", "/api/items/"),
    # It has a deadline of its own, after which it says itself that no upstream answered.
    Question("GET", "/api/gather/", answers=frozenset({200, 503})),
)


@contextlib.asynccontextmanager
async def asking(history: History, gateway: str, person: Person) -> AsyncIterator[None]:
    """While this lasts, every question in turn on a connection that is kept and on one of its own.

    On leaving, every question has its answer.
    """
    async with _session(gateway, kept=True) as kept, _session(gateway, kept=False) as fresh:
        async with asyncio.TaskGroup() as group:
            going_on = group.create_task(_go_on(history, (kept, fresh), person, group))
            yield
            going_on.cancel()


def _session(gateway: str, *, kept: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, force_close=not kept)
    return aiohttp.ClientSession(gateway, timeout=_TIMEOUT, connector=connector)


async def _go_on(
    history: History, sessions: Sequence[aiohttp.ClientSession], person: Person, group: asyncio.TaskGroup
) -> None:
    for session, question in itertools.cycle(itertools.product(sessions, QUESTIONS)):
        group.create_task(_ask(history, session, question, person.bearer if question.database else {}))
        await asyncio.sleep(1 / RATE)


async def _ask(history: History, session: aiohttp.ClientSession, question: Question, headers: dict[str, str]) -> None:
    began = time.monotonic()
    status: int | None = None
    why = ""
    try:
        body = {"n": 1} if question.method == "POST" else None
        async with session.request(question.method, question.path, json=body, headers=headers) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        why = type(error).__name__
    took = round(time.monotonic() - began, 6)
    history.add("request", via=question.method, place=question.path, code=status, why=why, took=took)
