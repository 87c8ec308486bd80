"""`GET, PUT, DELETE /gather/faults/`: the faults of the upstream, for browsers, which cannot reach it. Demo only."""

import asyncio
from http import HTTPStatus

import aiohttp
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chassis.errors import Error, Forbidden, PayloadTooLarge
from chassis.http_client import client
from chassis.methods import only

MAX_BYTES = 16 * 1024
TIMEOUT = 2.0


class UpstreamUnreachable(Error):
    """The upstream's switchboard does not answer."""

    status = HTTPStatus.BAD_GATEWAY
    message = "The upstream does not answer"


@only("GET", "PUT", "DELETE")
async def faults(request: HttpRequest) -> HttpResponse:
    """What the upstream answers to the same at its `/faults`: the settings of all endpoints, or 400 and why."""
    if not settings.DEMO:
        raise Forbidden("Faults are set in the demo only")
    if len(request.body) > MAX_BYTES:
        raise PayloadTooLarge
    body = request.body if request.method == "PUT" else None
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    url = f"{settings.UPSTREAM_URL}/faults"
    try:
        async with (
            asyncio.timeout(TIMEOUT),
            client().request(str(request.method), url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            content = await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise UpstreamUnreachable from error
    return HttpResponse(content, status=answer.status, content_type="application/json")
