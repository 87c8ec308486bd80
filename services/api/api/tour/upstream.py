"""Calls to the upstream through the process's httpx client: one, or three at once.

Plain calls, to stand beside those of `api.gather`, which protect themselves (retries, hedges, circuit breaker). What
they share with those is what no call may lack: a deadline, a bounded answer, and errors of `chassis.upstream`.
"""

import asyncio
from functools import lru_cache
from http import HTTPStatus

import aiohttp
import httpx
from django.conf import settings

from api.gather.resources import RESOURCES
from api.gather.upstream import MAX_BYTES, Answer, Row, parse, passed_on
from api.tour.httpx_client import client
from chassis.upstream import UpstreamFailed, UpstreamTimedOut
from chassis.upstream.reading import HEADERS

# Seconds for a whole call.
TIMEOUT = 2.0
# Rows of each resource.
LIMIT = 10


async def fetch(resource: str, limit: int) -> Answer:
    """Up to `limit` rows of `resource` within `TIMEOUT` seconds. Raises `UpstreamTimedOut` or `UpstreamFailed`."""
    try:
        async with asyncio.timeout(TIMEOUT):
            return parse(resource, await _read(_address(settings.UPSTREAM_URL, resource, limit)))
    except TimeoutError as error:
        raise UpstreamTimedOut(f"no answer within {TIMEOUT:g} s") from error


async def gather() -> dict[str, list[Row]]:
    """Rows of users, products and orders, all asked for at once; takes as long as the slowest.

    Raises `UpstreamTimedOut` or `UpstreamFailed`, which names the resource, as soon as one call fails. The others are
    cancelled then, and so are all if the caller is: `asyncio.gather` by itself would let them go on after a failure.
    """
    calls = [asyncio.ensure_future(_rows(name)) for name in RESOURCES]
    try:
        rows = await asyncio.gather(*calls)
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    return dict(zip(RESOURCES, rows, strict=True))


async def _rows(resource: str) -> list[Row]:
    try:
        return (await fetch(resource, LIMIT)).rows
    except UpstreamFailed as error:
        raise type(error)(f"{resource}: {error.reason}") from error


@lru_cache(maxsize=64)
def _address(base: str, resource: str, limit: int) -> httpx.URL:
    return httpx.URL(f"{base}/{resource}?limit={limit}")


async def _read(url: httpx.URL) -> bytes:
    """The body of a GET that was answered with 200 and JSON of at most `MAX_BYTES` bytes; of any shape, unchecked."""
    try:
        async with client().stream("GET", url, headers={**HEADERS, **passed_on()}) as response:
            _check(response)
            body = b""
            # Raw: decompressed, a small answer could unfold into a large one.
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise UpstreamFailed(f"more than {MAX_BYTES} bytes")
            return body
    except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
        raise _failure(error) from error


def _check(response: httpx.Response) -> None:
    if response.status_code != HTTPStatus.OK:
        raise UpstreamFailed(f"status {response.status_code}")
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != HEADERS["Accept"]:
        raise UpstreamFailed("not JSON")


def _failure(error: Exception) -> UpstreamFailed:
    # httpx-aiohttp calls a refused and a lost connection a `ConnectTimeout`; what it was is in its cause.
    if isinstance(error.__cause__ or error, aiohttp.ServerTimeoutError):
        return UpstreamTimedOut("the connection timed out")
    return UpstreamFailed("connection failed")
