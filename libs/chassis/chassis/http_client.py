"""One HTTP client a process for calls to other services: httpx on aiohttp's transport.

httpx's own pool (httpcore) is poisoned for good by cancelled requests (httpcore #1093: every later request waits for a
connection that is never given back), and Django cancels a view whose client has gone. aiohttp's connector survives
that.
"""

import contextlib
from collections.abc import AsyncIterator

import httpx
from httpx_aiohttp import AiohttpTransport

from chassis.errors import Unavailable

# Below the servers' 75 s and a proxy's 60 s, so that it is never the server that closes a connection just as it is
# reused.
KEEPALIVE_SECONDS = 4.0
CONNECTIONS = 100


class _Client:
    instance: httpx.AsyncClient | None = None


def client() -> httpx.AsyncClient:
    """The process's client; open between start and stop of the process (`opened` is a lifespan resource)."""
    if _Client.instance is None:
        raise Unavailable("The HTTP client is not open")
    return _Client.instance


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[httpx.AsyncClient]:
    """Open the process's client for the length of the block."""
    # Equal limits: a keep-alive cap below the connection cap makes the pool close and reopen connections under load.
    limits = httpx.Limits(
        max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS
    )
    timeout = httpx.Timeout(2.0, connect=0.5, pool=0.5)
    async with httpx.AsyncClient(
        transport=AiohttpTransport(limits=limits), timeout=timeout, trust_env=False
    ) as instance:
        _Client.instance = instance
        try:
            yield instance
        finally:
            _Client.instance = None
