"""The same without the typed layer: a synchronous function view and a class of async methods, as Django has them."""

import time
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views import View

from api.tour.schemas import DelayQuery, Greeting
from chassis.errors import BadRequest, MethodNotAllowed, json_response
from chassis.methods import READ, only

ITEMS = [1, 2, 3]


@only(*READ)
def sync(request: HttpRequest) -> HttpResponse:
    """`GET /api/sync/?delay=1`: blocks its thread, one of `SYNC_THREADS`, and nobody else."""
    try:
        query = msgspec.convert(request.GET.dict(), DelayQuery, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from error
    time.sleep(query.delay)
    return json_response(Greeting("Hello from sync view!"))


class ItemsView(View):
    """`GET,POST /api/items/`: Django's class-based view; async because its handlers are."""

    async def get(self, request: HttpRequest) -> HttpResponse:
        """`{"items": [1, 2, 3]}`."""
        return json_response({"items": ITEMS})

    async def post(self, request: HttpRequest) -> HttpResponse:
        """201 `{"processed": body}` for any JSON body."""
        try:
            body = msgspec.json.decode(request.body)
        # A few kilobytes of "[" are enough to exhaust the parser.
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadRequest("The body is not valid JSON") from error
        return json_response({"processed": body}, 201)

    async def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """405 with an `Allow` header, as JSON."""
        raise MethodNotAllowed(*(name.upper() for name in self.http_method_names if hasattr(self, name)))
