"""`/api/gather/` while the connections to Redis are lost: a real process, on uvloop as in production."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from testing.ports import free_port
from testing.resetting_proxy import ResettingProxy
from testing.waiting import DEADLINE, eventually

from .upstream import Upstream

START_SECONDS = 60
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[ResettingProxy]:
    """The way to Redis."""
    proxy = ResettingProxy(os.environ["REDIS_URL"])
    await proxy.listen()
    yield proxy
    await proxy.refuse()


@pytest_asyncio.fixture
async def api(proxy: ResettingProxy, upstream: Upstream) -> AsyncIterator[httpx.AsyncClient]:
    """`python -m api`, one worker."""
    port = str(free_port())
    own = {"PORT": port, "WEB_CONCURRENCY": "1", "REDIS_URL": proxy.url, "UPSTREAM_URL": upstream.url}
    # A healthy upstream may take longer than any busy machine needs.
    own |= {"GATHER_DEADLINE_MS": "30000", "GATHER_LEG_TIMEOUT_MS": "25000"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "api", env={**os.environ, **own})
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE) as client:
            await eventually(lambda: answers(client), within=START_SECONDS, what="the api answers")
            yield client
    finally:
        process.terminate()
        await process.wait()


async def answers(client: httpx.AsyncClient) -> bool:
    """True if the process is up."""
    try:
        return (await client.get("/health/live")).is_success
    except httpx.TransportError:
        return False


async def statuses(client: httpx.AsyncClient, proxy: ResettingProxy) -> list[int]:
    """Of requests that each look for copies in Redis, after the connections were reset."""
    found = []
    for limit in range(1, 21):
        await proxy.reset()
        found.append((await client.get(f"/api/gather/?limit={limit}")).status_code)
    return found


async def test_connections_reset(api: httpx.AsyncClient, proxy: ResettingProxy) -> None:
    """Every request is answered in full while connections are lost, and while there are none."""
    assert await statuses(api, proxy) == [200] * 20
    await proxy.refuse()
    assert await statuses(api, proxy) == [200] * 20
