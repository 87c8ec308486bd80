"""One request over HTTP, and what may be wrong with its answer."""

from collections.abc import Mapping
from http import HTTPStatus

import aiohttp
from yarl import URL

from chassis.http_client import client
from chassis.upstream.failures import UpstreamFailed, UpstreamTimedOut

# Compressed, a small answer could unfold into a large one behind the check of its size.
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_JSON = "application/json"
# What a server says that is overloaded or going away; the next one behind the same name may not be.
_PASSING = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
_SICK_FROM = 500


async def read(url: URL, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """The body of a GET that was answered with 200 and at most `max_bytes` bytes of JSON; of any shape, unchecked.

    Raises `UpstreamFailed` or, where no connection came about, `UpstreamTimedOut`. The caller bounds the whole.
    """
    try:
        async with client().get(url, headers=headers, allow_redirects=False) as response:
            _check(response, max_bytes)
            return await _body(response, max_bytes)
    except aiohttp.ConnectionTimeoutError as error:
        raise UpstreamTimedOut("the connection timed out", retriable=True) from error
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise UpstreamFailed("connection failed", retriable=True) from error
    except aiohttp.ClientError as error:
        raise UpstreamFailed("connection failed") from error


def _check(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    status = response.status
    if status != HTTPStatus.OK:
        raise UpstreamFailed(f"status {status}", retriable=status in _PASSING, sick=status >= _SICK_FROM)
    if response.content_type != _JSON:
        raise UpstreamFailed("not JSON")
    if (length := response.content_length) is not None and length > max_bytes:
        raise UpstreamFailed(f"more than {max_bytes} bytes")


async def _body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    content = response.content
    body = await content.readany()
    # The length may be left out, or wrong.
    while not content.at_eof() and len(body) <= max_bytes:
        body += await content.readany()
    if len(body) > max_bytes:
        raise UpstreamFailed(f"more than {max_bytes} bytes")
    return body
