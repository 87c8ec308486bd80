"""W2 in FastAPI: SQLAlchemy's models through Pydantic's, which are the contract of each answer."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from bench.peers import alchemy
from bench.peers.duty import DutyMiddleware
from bench.peers.fastapi.user import current_user

app = FastAPI(openapi_url=None, dependencies=[Depends(current_user)])
app.add_middleware(DutyMiddleware)
Session = Annotated[AsyncSession, Depends(alchemy.session)]


class ItemOut(BaseModel):
    """A row as clients see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price: int
    active: bool
    created_at: datetime


class ItemPage(BaseModel):
    """20 rows and the number of all."""

    rows: list[ItemOut]
    total: int


class ItemList(BaseModel):
    """Some rows."""

    rows: list[ItemOut]


class ItemIn(BaseModel):
    """A new row."""

    name: str
    price: int


@app.get("/rows/singles/", response_model=ItemList)
async def singles(db: Session, start: int = 1) -> object:
    """20 queries, one after the other."""
    return {"rows": await alchemy.singles(db, start)}


@app.get("/rows/{item_id}/", response_model=ItemOut)
async def one(db: Session, item_id: int) -> object:
    """A row by its id."""
    found = await alchemy.one(db, item_id)
    if found is None:
        raise HTTPException(404)
    return found


@app.get("/rows/", response_model=ItemPage)
async def page(db: Session, page: int = 1) -> object:
    """A page by id, and the number of all."""
    rows, total = await alchemy.page(db, page)
    return {"rows": rows, "total": total}


@app.post("/rows/", status_code=201, response_model=ItemOut)
async def insert(db: Session, item: ItemIn) -> object:
    """A new row."""
    return await alchemy.insert(db, item.name, item.price)
