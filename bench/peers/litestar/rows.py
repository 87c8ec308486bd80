"""W2 in Litestar: msgspec structs as the contract of each answer."""

from datetime import datetime

from litestar import Litestar, get, post
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from bench.peers import alchemy
from bench.peers.duty import DutyMiddleware
from bench.peers.litestar.app import current_user


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


class ItemIn(Struct):
    """A new row."""

    name: str
    price: int


def shown(item: alchemy.Item | alchemy.Entry) -> ItemOut:
    """A row as clients see it."""
    return ItemOut(item.id, item.name, item.price, item.active, item.created_at)


@get("/rows/{item_id:int}/")
async def one(db: AsyncSession, user: str | None, item_id: int) -> ItemOut:
    """A row by its id."""
    found = await alchemy.one(db, item_id)
    if found is None:
        raise NotFoundException
    return shown(found)


@get("/rows/")
async def page(db: AsyncSession, user: str | None, page: int = 1) -> ItemPage:
    """A page by id, and the number of all."""
    rows, total = await alchemy.page(db, page)
    return ItemPage([shown(row) for row in rows], total)


@get("/rows/singles/")
async def singles(db: AsyncSession, user: str | None, start: int = 1) -> ItemList:
    """20 queries, one after the other."""
    return ItemList([shown(row) for row in await alchemy.singles(db, start)])


@post("/rows/")
async def insert(db: AsyncSession, user: str | None, data: ItemIn) -> ItemOut:
    """A new row."""
    return shown(await alchemy.insert(db, data.name, data.price))


app = Litestar(
    route_handlers=[one, page, singles, insert],
    dependencies={"db": Provide(alchemy.session), "user": Provide(current_user)},
    middleware=[DutyMiddleware],
    openapi_config=None,
    logging_config=None,
)
