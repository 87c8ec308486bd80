"""One coroutine, called from an async view by `await` and from a sync view by `async_to_sync`.

The process's HTTP client belongs to the event loop it was made on. That works from the sync view too: its thread was
lent by that loop, and `async_to_sync` runs the coroutine there while the thread waits. Only where no loop started the
thread (a management command) does it make a new one, which must not touch this client.
"""

import time
from http import HTTPStatus
from typing import Literal

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from dmr import modify

from api.gather.upstream import fetch
from api.tour.schemas import External
from chassis.controllers import JsonController, responses
from chassis.errors import json_response
from chassis.methods import READ, only

TIMEOUT = 2.0


async def call(via: Literal["await", "async_to_sync"]) -> External:
    """One user of the upstream within `TIMEOUT` seconds; raises `UpstreamFailed` or `UpstreamTimedOut`."""
    started = time.perf_counter()
    answer = await fetch("users", limit=1, within=TIMEOUT)
    return External(via, answer.rows, answer.total, round((time.perf_counter() - started) * 1000, 2))


class ExternalController(JsonController):
    """An upstream call."""

    tags = ["Tour"]

    @modify(extra_responses=responses(HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT))
    async def get(self) -> External:
        """Await the upstream; 502 where it fails and 504 where it takes longer than 2 s."""
        return await call("await")


@only(*READ)
def external_sync(request: HttpRequest) -> HttpResponse:
    """`GET /api/external/sync/`: the same from synchronous code."""
    return json_response(async_to_sync(call)("async_to_sync"))
