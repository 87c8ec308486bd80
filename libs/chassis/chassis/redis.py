"""This process's Redis client: bounded in time, shared by everything that is not the channel layer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import cache

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

TIMEOUT = 1.0


@cache
def _client(loop: asyncio.AbstractEventLoop) -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        health_check_interval=15,
        # One immediate retry heals a connection that the server closed while idle; more would break the time bound.
        retry=Retry(NoBackoff(), 1),
    )


def client() -> Redis:
    """The client of the running loop. Raises `redis.exceptions.ConnectionError` or `TimeoutError` within about 1 s."""
    return _client(asyncio.get_running_loop())


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[None]:
    """A lifespan resource: closes the running loop's client at the end. It connects with the first command."""
    try:
        yield
    finally:
        await client().aclose()
        _client.cache_clear()
