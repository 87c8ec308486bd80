"""W2 as the api does such things (`api.users.queries`, `rooms.messages`): typed controllers, prepared statements."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.db import models
from django.db.models import BigIntegerField, Count, QuerySet, Subquery, Value
from django.utils import timezone
from django_async_backend.db.models.base import AsyncModelMixin
from dmr import Body, Path, Query, modify
from msgspec import Struct

from chassis.controllers import JsonController, responses
from chassis.database import fetch_all
from chassis.database.prepared import Param, Prepared, columns, instance
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


def _page() -> QuerySet[Any, Any]:
    counted = Item.objects.order_by().values(all=Value(1)).annotate(count=Count("*")).values("count")
    rows: QuerySet[Any, Any] = Item.objects.order_by("id").values_list(*FIELDS, Subquery(counted))
    return rows


_BY_ID = Prepared(lambda: Item.objects.filter(pk=Param("id", BigIntegerField())).values_list(*columns(Item)))
_PAGE = Prepared(_page, " LIMIT %s OFFSET %s")
_INSERT = """
INSERT INTO bench_entry (name, price, active, created_at) VALUES (%s, %s::int, true, clock_timestamp())
RETURNING id, name, price, active, created_at
"""


async def get(item_id: int) -> ItemOut:
    """The row, or `NotFound`."""
    rows = await _BY_ID.fetch_all(id=item_id)
    if not rows:
        raise NotFound
    item = instance(Item, rows[0])
    return ItemOut(item.pk, item.name, item.price, item.active, item.created_at)


async def _count() -> int:
    # A page beyond the last one.
    return int(await Item.async_objects.acount())


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
        rows = await _PAGE.fetch_all(PAGE, (parsed_query.page - 1) * PAGE)
        return ItemPage([ItemOut(*row[:-1]) for row in rows], rows[0][-1] if rows else await _count())

    @modify(status_code=HTTPStatus.CREATED)
    async def post(self, parsed_body: Body[ItemIn]) -> ItemOut:
        """A new row."""
        rows = await fetch_all(_INSERT, (parsed_body.name, parsed_body.price))
        return ItemOut(*rows[0])


class SinglesController(JsonController):
    """Rows one by one."""

    async def get(self, parsed_query: Query[StartQuery]) -> ItemList:
        """20 queries, one after the other."""
        numbers = range(parsed_query.start, parsed_query.start + PAGE)
        return ItemList([await get(number) for number in numbers])
