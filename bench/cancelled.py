"""`python -m bench.cancelled`: what cancelled requests do to an httpx client, on its own transport and on aiohttp's.

Django cancels a view whose client has gone, and with it the calls that the view awaits. Here crowds of gathers are
cancelled at random moments, until a request finds no place in the pool or there were `CROWDS`. Then nothing runs any
more, and the question is how many of the next requests are answered.
"""

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib.metadata import version

import httpx

from api.tour import httpx_client
from bench.cores import Cores
from bench.mock import LIMIT, RESOURCES
from bench.surroundings import upstream

CROWDS, CROWD = 100, 20
# A request is tried after this many crowds.
_TRY_AFTER = 10
AFTERWARDS = 20
_CONNECTIONS = 10
# Seconds; nothing else runs when a request waits for a place in the pool.
_PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many gathers were cancelled, and of the `AFTERWARDS` next requests, how many were answered."""

    cancelled: int
    answered: int


@contextlib.asynccontextmanager
async def on_httpcore() -> AsyncIterator[httpx.AsyncClient]:
    """httpx's own transport."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, timeout=_PATIENCE, trust_env=False) as client:
        yield client


type Way = Callable[[], contextlib.AbstractAsyncContextManager[httpx.AsyncClient]]
WAYS: dict[str, Way] = {
    f"httpx {version('httpx')} on httpcore {version('httpcore')}": on_httpcore,
    f"httpx {version('httpx')} on aiohttp {version('aiohttp')}": httpx_client.opened,
}


async def measure(base: str, way: Way, crowds: int = CROWDS) -> Outcome:
    """Cancel, then ask."""
    urls = [f"{base}/{name}?limit={LIMIT}" for name in RESOURCES]
    cancelled = 0
    async with way() as client:
        started = time.perf_counter()
        await asyncio.wait(_crowd(client, urls))
        # A crowd may be anywhere between its first byte and its last one then.
        longest = time.perf_counter() - started
        for number in range(crowds):
            cancelled += await _cancelled(_crowd(client, urls), random.random() * longest)
            if number % _TRY_AFTER == 0 and not await _answered(client, urls[0]):
                break
        answers = await asyncio.gather(*(_answered(client, urls[0]) for _ in range(AFTERWARDS)))
    return Outcome(cancelled, sum(answers))


def _crowd(client: httpx.AsyncClient, urls: list[str]) -> list[asyncio.Task[None]]:
    async def gather() -> None:
        await asyncio.gather(*(client.get(url) for url in urls))

    return [asyncio.create_task(gather()) for _ in range(CROWD)]


async def _cancelled(crowd: list[asyncio.Task[None]], after: float) -> int:
    await asyncio.sleep(after)
    cancelled = sum(each.cancel() for each in crowd)
    await asyncio.wait(crowd)
    return cancelled


async def _answered(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.PoolTimeout:
        return False


async def main() -> None:
    """Measure and print."""
    cores = Cores()
    cores.pin_self()
    async with upstream(cores) as server:
        for name, way in WAYS.items():
            found = await measure(f"http://127.0.0.1:{server.port}", way)
            sys.stdout.write(
                f"{name:32} {found.cancelled:5} gathers cancelled, then {found.answered:2} of {AFTERWARDS} answered\n"
            )


if __name__ == "__main__":
    asyncio.run(main())
