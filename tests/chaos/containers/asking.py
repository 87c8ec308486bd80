"""Requests to the gateway at a steady rate, each with what came of it, in the history."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from tests.chaos.history import History

# Of all together, a second.
RATE = 12.0
# Longer than the gateway waits for one replica, so that it can ask another one.
_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True)
class Question:
    """`database`: nobody can answer without; `upstream` likewise. A POST may not be asked of two."""

    method: str
    path: str
    database: bool = False
    upstream: bool = False


QUESTIONS = (
    Question("GET", "/api/items/"),
    Question("GET", "/api/rooms/", database=True),
    Question("POST", "/api/items/"),
    Question("GET", "/api/gather/", upstream=True),
)


@contextlib.asynccontextmanager
async def asking(history: History, gateway: str) -> AsyncIterator[None]:
    """While this lasts; on leaving, every question has its answer."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=0)) as session:
        async with asyncio.TaskGroup() as group:
            going_on = group.create_task(_go_on(history, gateway, session, group))
            yield
            going_on.cancel()


async def _go_on(history: History, gateway: str, session: aiohttp.ClientSession, group: asyncio.TaskGroup) -> None:
    for question in itertools.cycle(QUESTIONS):
        group.create_task(_ask(history, gateway, session, question))
        await asyncio.sleep(1 / RATE)


async def _ask(history: History, gateway: str, session: aiohttp.ClientSession, question: Question) -> None:
    began = time.monotonic()
    status: int | None = None
    why = ""
    try:
        body = {"n": 1} if question.method == "POST" else None
        async with session.request(question.method, gateway + question.path, json=body) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        why = type(error).__name__
    took = round(time.monotonic() - began, 6)
    history.add("request", via=question.method, place=question.path, code=status, why=why, took=took)
