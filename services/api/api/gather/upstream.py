"""One bounded read of the upstream, with its answer checked.

    Error
     +-- UpstreamFailed      502  no connection, a status other than 200, or an answer of another shape
          +-- UpstreamTimedOut  504

The message of an error is fixed and its `reason` names a kind of failure: addresses and exception texts stay in here.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec
import structlog
from django.conf import settings

from chassis.errors import Error
from chassis.http_client import client

MAX_BYTES = 1024 * 1024

type Row = dict[str, Any]


class UpstreamFailed(Error):
    """The upstream gave no answer that can be used; `reason` says why."""

    status = 502
    message = "Upstream failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class UpstreamTimedOut(UpstreamFailed):
    """The upstream gave no answer in time."""

    status = 504
    message = "Upstream timed out"


class Answer(msgspec.Struct, frozen=True):
    """`rows` of the resource, and how many there are in all (None where the upstream does not say)."""

    rows: list[Row]
    total: int | None = None


async def fetch(resource: str, limit: int, within: float) -> Answer:
    """Up to `limit` rows of `resource` (`users`, `products`, `orders`), after `within` seconds at most.

    Raises `UpstreamTimedOut` or `UpstreamFailed`. The request's id goes along as `X-Request-ID`.
    """
    try:
        async with asyncio.timeout(within):
            return _parse(resource, await _read(f"{settings.UPSTREAM_URL}/{resource}?limit={limit}"))
    except aiohttp.ServerTimeoutError as error:
        raise UpstreamTimedOut("the connection timed out") from error
    except TimeoutError as error:
        raise UpstreamTimedOut(f"no answer within {within:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise UpstreamFailed("connection failed") from error


async def _read(url: str) -> bytes:
    # Compressed, a small answer could unfold into a large one behind the size check.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        headers["X-Request-ID"] = request_id
    async with client().get(url, headers=headers, allow_redirects=False) as response:
        if response.status != HTTPStatus.OK:
            raise UpstreamFailed(f"status {response.status}")
        if response.content_type != "application/json":
            raise UpstreamFailed("not JSON")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BYTES:
                raise UpstreamFailed(f"more than {MAX_BYTES} bytes")
        return bytes(body)


def _parse(resource: str, body: bytes) -> Answer:
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
        return msgspec.convert({"rows": found.get(resource), "total": found.get("total")}, Answer)
    except msgspec.ValidationError as error:
        raise UpstreamFailed("unexpected shape") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UpstreamFailed("not JSON") from error
