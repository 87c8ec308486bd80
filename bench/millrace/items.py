"""W2 as the api does such things: typed controllers, the true async ORM."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.db import models
from django.utils import timezone
from django_async_backend.db.models.base import AsyncModelMixin
from dmr import Body, Path, Query, modify
from msgspec import Struct

from chassis.controllers import JsonController, responses
from chassis.errors import NotFound

PAGE = 20
FIELDS = ("id", "name", "price", "active", "created_at")


class Item(AsyncModelMixin, models.Model):
    """A row that is read."""

    name = models.CharField(max_length=100)
    price = models.IntegerField()
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Made by `bench.items`."""

        app_label = "millrace"
        db_table = "bench_item"
        managed = False


class Entry(AsyncModelMixin, models.Model):
    """A row that is written."""

    name = models.CharField(max_length=100)
    price = models.IntegerField()
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Made by `bench.items`."""

        app_label = "millrace"
        db_table = "bench_entry"
        managed = False


class ItemOut(Struct):
    """A row as clients see it."""

    id: int
    name: str
    price: int
    active: bool
    created_at: datetime


class ItemPage(Struct):
    """20 rows and the number of all."""

    rows: list[ItemOut]
    total: int


class ItemList(Struct):
    """Some rows."""

    rows: list[ItemOut]


class ItemPath(Struct):
    """The id in the path."""

    item_id: int


class PageQuery(Struct):
    """`page` counts from 1."""

    page: int = 1


class StartQuery(Struct):
    """The first id."""

    start: int = 1


class ItemIn(Struct):
    """A new row."""

    name: str
    price: int


async def get(item_id: int) -> ItemOut:
    """The row, or `NotFound`."""
    found: Item | None = await Item.async_objects.filter(pk=item_id).afirst()
    if found is None:
        raise NotFound
    return shown(found)


def shown(item: Any) -> ItemOut:
    """A row as clients see it."""
    return ItemOut(item.pk, item.name, item.price, item.active, item.created_at)


class OneController(JsonController):
    """One row."""

    @modify(extra_responses=responses(HTTPStatus.NOT_FOUND))
    async def get(self, parsed_path: Path[ItemPath]) -> ItemOut:
        """By its id."""
        return await get(parsed_path.item_id)


class ItemsController(JsonController):
    """All rows."""

    async def get(self, parsed_query: Query[PageQuery]) -> ItemPage:
        """A page by id, and the number of all."""
        rows = Item.async_objects.order_by("id")
        total = await rows.acount()
        start = (parsed_query.page - 1) * PAGE
        return ItemPage([ItemOut(*row) async for row in rows.values_list(*FIELDS)[start : start + PAGE]], total)

    @modify(status_code=HTTPStatus.CREATED)
    async def post(self, parsed_body: Body[ItemIn]) -> ItemOut:
        """A new row."""
        return shown(await Entry.async_objects.acreate(name=parsed_body.name, price=parsed_body.price))


class SinglesController(JsonController):
    """Rows one by one."""

    async def get(self, parsed_query: Query[StartQuery]) -> ItemList:
        """20 queries, one after the other."""
        numbers = range(parsed_query.start, parsed_query.start + PAGE)
        return ItemList([await get(number) for number in numbers])
