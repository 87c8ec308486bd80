"""One HTTP client a process for calls to other services: aiohttp's.

Not httpx: its own pool (httpcore) is poisoned for good by cancelled requests (httpcore #1093: every later request waits
for a connection that is never given back), and Django cancels a view whose client has gone. httpx on aiohttp's
transport survives that, for three times the CPU of a request (`python -m bench.clients`).
"""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from chassis.errors import Unavailable

# Below the servers' 75 s and a proxy's 60 s, so that it is never the server that closes a connection just as it is
# reused.
KEEPALIVE_SECONDS = 4.0
CONNECTIONS = 100
# Of a place in the pool with a connection, and of the connection; a caller bounds the whole, so that no timer has to be
# set for each piece of an answer.
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=1.0, sock_connect=0.5)


class _Client:
    instance: aiohttp.ClientSession | None = None


def client() -> aiohttp.ClientSession:
    """The process's client; open between start and stop of the process (`opened` is a lifespan resource)."""
    if _Client.instance is None:
        raise Unavailable("The HTTP client is not open")
    return _Client.instance


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the process's client for the length of the block.

    It keeps no cookies, believes no proxy variables, decompresses nothing and repeats nothing: what it is sent is what
    callers get, and what they ask for is what it sends.
    """
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS)
    async with aiohttp.ClientSession(
        connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as instance:
        # It would send an idempotent request again over a new connection, unseen by anybody's budget of retries.
        instance._retry_connection = False  # noqa: SLF001 - there is no public switch; `chassis.upstream` retries
        _Client.instance = instance
        try:
            yield instance
        finally:
            _Client.instance = None
