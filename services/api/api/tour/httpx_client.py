"""One `httpx.AsyncClient` a process, on aiohttp's transport; opened and closed by the lifespan under every server.

httpx's own transport (httpcore) must not be used here: cancelled requests ruin its pool for good, and Django cancels a
view whose client has gone (docs/tour.md shows it, `python -m bench.cancelled` measures it). aiohttp's pool survives.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from chassis.errors import Unavailable
from chassis.http_client import KEEPALIVE_SECONDS

CONNECTIONS = 100
# Seconds: for a place in the pool and a connection, and between two pieces of an answer. A caller bounds the whole.
TIMEOUT = httpx.Timeout(connect=0.5, pool=1.0, read=5.0, write=5.0)


class _Client:
    instance: httpx.AsyncClient | None = None


def client() -> httpx.AsyncClient:
    """The process's client. Raises `Unavailable` if the process has not opened it."""
    if _Client.instance is None:
        raise Unavailable("The HTTP client is not open")
    return _Client.instance


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[httpx.AsyncClient]:
    """Open the process's client for the length of the block.

    It follows no redirect, believes no proxy variables, repeats nothing and keeps no cookies: requests of different
    users share it, and httpx would send the cookies of one user's answer with the next user's request.
    """
    context = ssl.create_default_context()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS, ssl=context)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    # aiohttp would send an idempotent request again over a new connection. There is no public switch.
    session._retry_connection = False  # noqa: SLF001
    # The transport closes the session that it is given.
    transport = AiohttpTransport(client=session, verify=context)
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT, cookies=cookies, trust_env=False) as instance:
        _Client.instance = instance
        try:
            yield instance
        finally:
            _Client.instance = None
