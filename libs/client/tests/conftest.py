"""Fixtures: a scripted server, and rooms in it that come back at once and leave no task behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from millrace_client import Backoff, Message, Room

from .fake import FakeServer, running

# Seconds, for what must happen: only a failure takes that long.
DEADLINE = 30

type MakeRoom = Callable[..., Room]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeServer]:
    """The server; whoever forgets a task here fails the test."""
    before = asyncio.all_tasks()
    async with running() as server:
        yield server
    leaked = [task for task in asyncio.all_tasks() - before if "millrace_client" in task.get_name()]
    assert not leaked


@pytest.fixture
def make_room(server: FakeServer) -> MakeRoom:
    """Makes rooms whose delays are drawn as nothing, so that no test waits for chance."""

    def make(**options: Any) -> Room:
        return Room(server.url, "lobby", **({"backoff": Backoff(uniform=lambda low, high: low)} | options))

    return make


async def take(room: Room, count: int) -> list[Message]:
    """The next so many messages."""
    async with asyncio.timeout(DEADLINE):
        return [await anext(room) for _ in range(count)]


async def until(condition: Callable[[], object], what: str) -> None:
    """Waits for something that announces itself by nothing; fails after `DEADLINE` seconds."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"not within {DEADLINE} s: {what}")
