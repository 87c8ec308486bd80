"""django-ninja, in the stock project; with equal duty its own `auth` hook looks who is asking."""

import os
from datetime import datetime

from django.http import Http404, HttpRequest
from django.urls import path
from ninja import NinjaAPI, Schema

from bench.peers.django.models import Entry, Item
from bench.peers.duty import who

PAGE = 20


async def current_user(request: HttpRequest) -> str:
    """What authenticates the request; nobody may read the items too."""
    return who(request.headers.get("Authorization", ""), request.headers.get("Cookie", "")) or "anonymous"


api = NinjaAPI(openapi_url=None, auth=current_user if os.environ.get("DUTY") else None)


class ItemOut(Schema):
    """A row as clients see it."""

    id: int
    name: str
    price: int
    active: bool
    created_at: datetime


class ItemPage(Schema):
    """20 rows and the number of all."""

    rows: list[ItemOut]
    total: int


class ItemList(Schema):
    """Some rows."""

    rows: list[ItemOut]


class ItemIn(Schema):
    """A new row."""

    name: str
    price: int


@api.get("/api/items/")
async def items(request: HttpRequest) -> dict[str, list[int]]:
    """The three items."""
    return {"items": [1, 2, 3]}


@api.get("/rows/singles/", response=ItemList)
async def singles(request: HttpRequest, start: int = 1) -> object:
    """20 queries, one after the other."""
    return {"rows": [await Item.objects.aget(pk=number) for number in range(start, start + PAGE)]}


@api.get("/rows/{int:item_id}/", response=ItemOut)
async def one(request: HttpRequest, item_id: int) -> object:
    """A row by its id."""
    found = await Item.objects.filter(pk=item_id).afirst()
    if found is None:
        raise Http404
    return found


@api.get("/rows/", response=ItemPage)
async def page(request: HttpRequest, page: int = 1) -> object:
    """A page by id, and the number of all."""
    start = (page - 1) * PAGE
    rows = Item.objects.order_by("id")
    total = await rows.acount()
    return {"rows": [item async for item in rows[start : start + PAGE]], "total": total}


@api.post("/rows/", response={201: ItemOut})
async def insert(request: HttpRequest, item: ItemIn) -> object:
    """A new row."""
    return 201, await Entry.objects.acreate(name=item.name, price=item.price)


urlpatterns = [path("", api.urls)]
