"""Only so many at once, only so many in line, in order."""

import asyncio
from collections.abc import Awaitable

import pytest

from chassis.upstream.bulkhead import Bulkhead, BulkheadFull
from testing.waiting import eventually


async def test_places_and_line() -> None:
    """Two inside, one waits, and the next is refused."""
    bulkhead = Bulkhead(2, line=1)
    await bulkhead.enter()
    assert not bulkhead.full()
    await bulkhead.enter()
    assert bulkhead.full()
    waiting = asyncio.create_task(bulkhead.enter())
    await eventually(lambda: bulkhead.waiting == 1)
    with pytest.raises(BulkheadFull):
        await bulkhead.enter()
    bulkhead.leave()
    await waiting
    assert (bulkhead.inside, bulkhead.waiting) == (2, 0)


async def test_first_come_first_served() -> None:
    """Who waits longest is next."""
    bulkhead = Bulkhead(1, line=10)
    await bulkhead.enter()
    order: list[int] = []

    async def enter(number: int) -> None:
        await bulkhead.enter()
        order.append(number)
        bulkhead.leave()

    tasks: list[Awaitable[None]] = [asyncio.create_task(enter(number)) for number in range(5)]
    await eventually(lambda: bulkhead.waiting == 5)
    bulkhead.leave()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


async def test_who_gives_up_waiting_leaves_the_line() -> None:
    """And takes no place, also where it was cancelled just as one became free."""
    bulkhead = Bulkhead(1, line=2)
    await bulkhead.enter()
    waiting = [asyncio.create_task(bulkhead.enter()) for _ in range(2)]
    await eventually(lambda: bulkhead.waiting == 2)
    bulkhead.leave()
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert (bulkhead.inside, bulkhead.waiting, bulkhead.full()) == (0, 0, False)
