"""SQLAlchemy 2 with asyncpg, as its documentation has it: models, engine, a session a request, and the four operations.

`AUTOCOMMIT=1` leaves out the transaction around each request, as Django does by default.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from sqlalchemy import DateTime, String, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PAGE = 20
_options = {"isolation_level": "AUTOCOMMIT"} if os.environ.get("AUTOCOMMIT") else {}
engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=8,
    max_overflow=0,
    **_options,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """Columns that both tables have."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    price: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))


class Item(Base):
    """A row that is read."""

    __tablename__ = "bench_item"


class Entry(Base):
    """A row that is written."""

    __tablename__ = "bench_entry"


async def session() -> AsyncIterator[AsyncSession]:
    """The request's session, for whatever injects dependencies."""
    async with sessions() as opened:
        yield opened


async def one(db: AsyncSession, item_id: int) -> Item | None:
    """By primary key."""
    return await db.get(Item, item_id)


async def page(db: AsyncSession, number: int) -> tuple[list[Item], int]:
    """A page by id, and the number of all."""
    total = await db.scalar(select(func.count()).select_from(Item))
    rows = await db.scalars(select(Item).order_by(Item.id).limit(PAGE).offset((number - 1) * PAGE))
    return list(rows), total or 0


async def singles(db: AsyncSession, start: int) -> list[Item]:
    """20 queries, one after the other."""
    found = [await db.get(Item, number) for number in range(start, start + PAGE)]
    return [item for item in found if item is not None]


async def insert(db: AsyncSession, name: str, price: int) -> Entry:
    """A new row, committed."""
    entry = Entry(name=name, price=price)
    db.add(entry)
    await db.commit()
    return entry


def as_dict(item: Item | Entry) -> dict[str, object]:
    """For frameworks that are given plain values to encode."""
    return {
        "id": item.id,
        "name": item.name,
        "price": item.price,
        "active": item.active,
        "created_at": item.created_at,
    }
