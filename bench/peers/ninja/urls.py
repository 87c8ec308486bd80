"""django-ninja, in the stock project; with equal duty its own `auth` hook looks who is asking."""

import os

from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI

from bench.peers.duty import who


async def current_user(request: HttpRequest) -> str:
    """What authenticates the request; nobody may read the items too."""
    return who(request.headers.get("Authorization", ""), request.headers.get("Cookie", "")) or "anonymous"


api = NinjaAPI(openapi_url=None, auth=current_user if os.environ.get("DUTY") else None)


@api.get("/items/")
async def items(request: HttpRequest) -> dict[str, list[int]]:
    """The three items."""
    return {"items": [1, 2, 3]}


urlpatterns = [path("api/", api.urls)]
