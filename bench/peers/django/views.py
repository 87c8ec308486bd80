"""The JSON view: asynchronous, and synchronous for WSGI."""

import os

from django.http import HttpRequest, JsonResponse

DUTY = bool(os.environ.get("DUTY"))


async def items(request: HttpRequest) -> JsonResponse:
    """The three items."""
    if DUTY:
        await request.auser()
    return JsonResponse({"items": [1, 2, 3]})


def items_sync(request: HttpRequest) -> JsonResponse:
    """The three items."""
    if DUTY:
        _ = request.user.is_authenticated
    return JsonResponse({"items": [1, 2, 3]})
