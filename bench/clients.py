"""`python -m bench.clients`: what three upstream calls at once cost, by four ways of making them.

One process without a server calls mock-upstream, which answers at once; what is measured is the CPU time of that
process alone. All read the whole answers and decode them. The ways take turns, so a busy machine slows all of them.
"""

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import msgspec
import uvloop

from api.tour import httpx_client
from bench.cores import Cores
from bench.mock import LIMIT, RESOURCES
from bench.surroundings import upstream
from chassis import http_client

type Gather = Callable[[], Awaitable[None]]
type Way = Callable[[list[str]], contextlib.AbstractAsyncContextManager[Gather]]

ROUNDS = 5
# Gathers of a turn: about as long for each of the ways.
OFTEN, SELDOM = 100, 5


async def _by_httpx(client: httpx.AsyncClient, urls: list[str]) -> None:
    for answer in await asyncio.gather(*(client.get(url) for url in urls)):
        msgspec.json.decode(answer.content)


@contextlib.asynccontextmanager
async def client_a_gather(urls: list[str]) -> AsyncIterator[Gather]:
    """The tutorial's way: `async with httpx.AsyncClient()` in the view."""

    async def gather() -> None:
        async with httpx.AsyncClient() as client:
            await _by_httpx(client, urls)

    yield gather


@contextlib.asynccontextmanager
async def shared_httpx(urls: list[str]) -> AsyncIterator[Gather]:
    """One client on httpx's own transport."""
    async with httpx.AsyncClient() as client:
        yield lambda: _by_httpx(client, urls)


@contextlib.asynccontextmanager
async def httpx_on_aiohttp(urls: list[str]) -> AsyncIterator[Gather]:
    """The api's client of `/api/external/gather/`."""
    async with httpx_client.opened() as client:
        yield lambda: _by_httpx(client, urls)


@contextlib.asynccontextmanager
async def aiohttp_alone(urls: list[str]) -> AsyncIterator[Gather]:
    """The api's client of `/api/gather/`."""
    async with http_client.opened() as session:

        async def get(url: str) -> bytes:
            async with session.get(url) as answer:
                return await answer.read()

        async def gather() -> None:
            for body in await asyncio.gather(*map(get, urls)):
                msgspec.json.decode(body)

        yield gather


WAYS: dict[str, tuple[Way, int]] = {
    "httpx, a client for each gather": (client_a_gather, SELDOM),
    "httpx, one client": (shared_httpx, OFTEN),
    "httpx on aiohttp's transport, one client": (httpx_on_aiohttp, OFTEN),
    "aiohttp, one session": (aiohttp_alone, OFTEN),
}


async def measure(base: str, rounds: int = ROUNDS, share: float = 1.0) -> dict[str, float]:
    """Milliseconds of CPU for one gather, by way: the median of all rounds. `share`: of the usual gathers of a turn."""
    urls = [f"{base}/{name}?limit={LIMIT}" for name in RESOURCES]
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, (way, usual) in WAYS.items():
            found[name].append(await _turn(way, urls, max(1, round(usual * share))))
    return {name: statistics.median(costs) for name, costs in found.items()}


async def _turn(way: Way, urls: list[str], gathers: int) -> float:
    async with way(urls) as gather:
        # Opens the connections.
        await gather()
        started = time.process_time()
        for _ in range(gathers):
            await gather()
        return (time.process_time() - started) * 1000 / gathers


def table(found: dict[str, float]) -> Iterator[str]:
    """A line for each way, with its ratio to the last."""
    limit = list(found.values())[-1]
    for name, ms in found.items():
        yield f"{name:42} {ms:7.2f} ms of CPU a gather {ms / limit:7.1f} x\n"


async def main() -> None:
    """Measure and print."""
    cores = Cores()
    cores.pin_self()
    async with upstream(cores) as server:
        sys.stdout.writelines(table(await measure(f"http://127.0.0.1:{server.port}")))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
