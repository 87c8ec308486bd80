"""Work that is shared by those who wait for it at the same time."""

import asyncio
from collections.abc import Sequence

import pytest

from coalescing import Batcher


class Work:
    """Doubles numbers; waits for `go`, and notes each turn."""

    def __init__(self) -> None:
        self.batcher: list[tuple[str, list[int]]] = []
        self.go = asyncio.Event()

    async def __call__(self, key: str, items: Sequence[int]) -> list[int]:
        """A turn."""
        self.batcher.append((key, list(items)))
        await self.go.wait()
        if 0 in items:
            raise ZeroDivisionError
        return [2 * item for item in items]


async def asked(batcher: Batcher[int, int], key: str, *items: int) -> list[asyncio.Task[int]]:
    """Tasks that have asked."""
    tasks = [asyncio.create_task(batcher.load(key, item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_who_asks_during_a_turn_gets_the_next() -> None:
    """No answer is older than its question; keys do not wait for each other."""
    work = Work()
    batcher = Batcher(work)
    first = await asked(batcher, "a", 1)
    later = await asked(batcher, "a", 2, 3)
    other = await asked(batcher, "b", 4)
    work.go.set()
    assert await asyncio.gather(*first, *later, *other) == [2, 4, 6, 8]
    assert work.batcher == [("a", [1]), ("b", [4]), ("a", [2, 3])]


async def test_error_is_told_to_those_of_the_turn() -> None:
    """The next turn is not concerned."""
    work = Work()
    batcher = Batcher(work)
    failing = await asked(batcher, "a", 0)
    waiting = await asked(batcher, "a", 1)
    work.go.set()
    with pytest.raises(ZeroDivisionError):
        await failing[0]
    assert await waiting[0] == 2


async def test_whoever_went_away() -> None:
    """One that is cancelled before its turn is left out of it; one that is cancelled later ends nothing for others."""
    work = Work()
    batcher = Batcher(work)
    running = await asked(batcher, "a", 1, 2)
    waiting = await asked(batcher, "a", 3, 4)
    running[0].cancel()
    waiting[0].cancel()
    await asyncio.sleep(0)
    work.go.set()
    assert (await running[1], await waiting[1]) == (4, 8)
    assert work.batcher == [("a", [1, 2]), ("a", [4])]
