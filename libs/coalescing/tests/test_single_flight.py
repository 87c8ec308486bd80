"""The same question, asked by many at once, is asked once."""

import asyncio

import pytest

from coalescing import SingleFlight
from testing.waiting import eventually


class Source:
    """Answers when it is told to; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = self.cancelled = 0
        self.ready = asyncio.Event()
        self.error: Exception | None = None

    async def answer(self) -> int:
        """How often it was asked when this call began."""
        self.asked += 1
        mine = self.asked
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return mine


@pytest.fixture
def source() -> Source:
    """A source that holds its answers back."""
    return Source()


async def ask(flights: SingleFlight[str, int], source: Source, count: int, key: str = "key") -> list[asyncio.Task[int]]:
    """So many who ask at once."""
    tasks = [asyncio.create_task(flights.ask(key, source.answer)) for _ in range(count)]
    await eventually(lambda: source.asked > 0)
    return tasks


async def test_many_ask_once(source: Source) -> None:
    """A thousand get the answer of one call, and nothing is left of it."""
    flights: SingleFlight[str, int] = SingleFlight()
    tasks = await ask(flights, source, 1000)
    source.ready.set()
    assert await asyncio.gather(*tasks) == [1] * 1000
    assert (source.asked, len(flights)) == (1, 0)


async def test_answers_are_not_kept(source: Source) -> None:
    """Who asks after the answer came asks anew."""
    flights: SingleFlight[str, int] = SingleFlight()
    source.ready.set()
    assert [await flights.ask("key", source.answer) for _ in range(2)] == [1, 2]


async def test_keys_are_apart(source: Source) -> None:
    """Another question is another call."""
    flights: SingleFlight[str, int] = SingleFlight()
    tasks = [*await ask(flights, source, 2, "a"), *await ask(flights, source, 2, "b")]
    await eventually(lambda: source.asked == 2)
    source.ready.set()
    assert await asyncio.gather(*tasks) == [1, 1, 2, 2]


async def test_one_goes_away(source: Source) -> None:
    """Whoever asked first leaves: the others still get the answer."""
    flights: SingleFlight[str, int] = SingleFlight()
    first, *others = await ask(flights, source, 3)
    first.cancel()
    await asyncio.wait({first})
    source.ready.set()
    assert await asyncio.gather(*others) == [1, 1]
    assert source.cancelled == 0


async def test_all_go_away(source: Source) -> None:
    """With the last of them the call ends, and the next to ask starts another."""
    flights: SingleFlight[str, int] = SingleFlight()
    tasks = await ask(flights, source, 3)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await eventually(lambda: source.cancelled == 1)
    source.ready.set()
    assert await flights.ask("key", source.answer) == 2


async def test_errors_reach_everybody(source: Source) -> None:
    """What the call raises is raised to all, and not kept."""
    flights: SingleFlight[str, int] = SingleFlight()
    source.error = ValueError("no")
    tasks = await ask(flights, source, 3)
    source.ready.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    source.error = None
    assert await flights.ask("key", source.answer) == 2
