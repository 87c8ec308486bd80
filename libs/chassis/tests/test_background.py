"""Work that is repeated while a process runs."""

import asyncio

from chassis.background import repeated
from testing.waiting import DEADLINE, eventually


async def test_goes_on_after_an_error() -> None:
    """One failed turn does not end the rest."""
    turns: list[int] = []

    async def work() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise ZeroDivisionError

    async with repeated(work, every=0):
        await eventually(lambda: len(turns) > 2, what="a turn after the failed one")


async def test_ends_with_the_block() -> None:
    """Nothing goes on afterwards, even a turn that would never end."""
    started = asyncio.Event()
    ended = asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(DEADLINE), repeated(work, every=0):
        await started.wait()
    assert ended.is_set()
