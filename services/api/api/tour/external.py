"""One coroutine, called from an async view by `await` and from a sync view by `async_to_sync`; and three at once.

The process's httpx client belongs to the event loop that it was made on. It works from the sync view too: its thread
was lent by that loop, and `async_to_sync` runs the coroutine there while the thread waits. Only if no loop started the
thread (a management command) does `async_to_sync` make a new one, which must not touch this client.
"""

import time
from http import HTTPStatus
from typing import Literal

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from dmr import modify

from api.tour.schemas import External, ExternalGathered
from api.tour.upstream import fetch, gather
from chassis.controllers import JsonController, responses
from chassis.errors import json_response
from chassis.methods import READ, only

_FAILURES = responses(HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


async def call(via: Literal["await", "async_to_sync"]) -> External:
    """One user of the upstream; raises `UpstreamFailed` or `UpstreamTimedOut`."""
    started = time.perf_counter()
    answer = await fetch("users", limit=1)
    return External(via, answer.rows, answer.total, round((time.perf_counter() - started) * 1000, 2))


class ExternalController(JsonController):
    """An upstream call."""

    tags = ["Tour"]

    @modify(extra_responses=_FAILURES)
    async def get(self) -> External:
        """Await the upstream; 502 if it fails and 504 if it takes longer than 2 s."""
        return await call("await")


class ExternalGatherController(JsonController):
    """Three upstream calls at once, by httpx and `asyncio.gather`."""

    tags = ["Tour"]

    @modify(extra_responses=_FAILURES)
    async def get(self) -> ExternalGathered:
        """Ask for users, products and orders at once; 502 if one fails and 504 if one takes longer than 2 s."""
        return ExternalGathered(**await gather())


@only(*READ)
def external_sync(request: HttpRequest) -> HttpResponse:
    """`GET /api/external/sync/`: the same call from synchronous code."""
    return json_response(async_to_sync(call)("async_to_sync"))
