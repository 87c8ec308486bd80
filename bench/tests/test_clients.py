"""What docs/tour.md says of HTTP clients, with the pinned versions."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench import cancelled, clients
from bench.cores import Cores
from bench.surroundings import upstream

pytestmark = pytest.mark.timeout(180)


@pytest_asyncio.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """A mock-upstream that answers at once."""
    async with upstream(Cores()) as server:
        yield f"http://127.0.0.1:{server.port}"


async def test_cancellation_ruins_the_pool_of_httpcore(url: str) -> None:
    """Nothing is in flight any more, and no request gets a connection. If this fails, docs/tour.md is out of date."""
    own, _ = cancelled.WAYS.values()
    assert (await cancelled.measure(url, own)).answered == 0


async def test_cancellation_leaves_the_pool_of_aiohttp_whole(url: str) -> None:
    """As many cancelled gathers, and all that come later are answered."""
    _, ours = cancelled.WAYS.values()
    found = await cancelled.measure(url, ours, crowds=50)
    assert found.cancelled > 200
    assert found.answered == cancelled.AFTERWARDS


async def test_costs(url: str) -> None:
    """Every way works, and the table has a line and a ratio for each."""
    found = await clients.measure(url, rounds=1, share=0.02)
    lines = list(clients.table(found))
    assert [line.split("  ")[0] for line in lines] == list(clients.WAYS)
    assert lines[-1].endswith(" 1.0 x\n")
