"""This process's Redis client: bounded in time, shared by everything that is not the channel layer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from django.conf import settings
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from pubsub_layer.pools import UNAVAILABLE, checked

__all__ = ["TIMEOUT", "UNAVAILABLE", "client", "new_pool", "opened"]

TIMEOUT = 1.0


def new_pool(**options: Any) -> ConnectionPool:
    """A `checked` pool for REDIS_URL, bounded in time."""
    bounds = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    return checked(ConnectionPool.from_url(settings.REDIS_URL, **bounds, **options))


@cache
def _client(loop: asyncio.AbstractEventLoop) -> Redis:
    pool = new_pool(
        decode_responses=True,
        health_check_interval=15,
        # One immediate retry heals a connection that the server closed while idle; more would break the time bound.
        retry=Retry(NoBackoff(), 1),
    )
    return Redis.from_pool(pool)


def client() -> Redis:
    """The client of the running loop. Raises one of `UNAVAILABLE` within about 1 s while Redis is away."""
    return _client(asyncio.get_running_loop())


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[None]:
    """A lifespan resource: closes the running loop's client at the end. It connects with the first command."""
    try:
        yield
    finally:
        await client().aclose()
        _client.cache_clear()
