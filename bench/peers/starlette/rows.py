"""W2 in Starlette: no validation of answers, msgspec as the encoder."""

from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers import alchemy
from bench.peers.duty import DutyMiddleware, who


class ItemIn(msgspec.Struct):
    """A new row."""

    name: str
    price: int


def answer(request: Request, payload: Any, status: int = 200) -> Response:
    """JSON, for whoever it is."""
    request.state.user = who(request.headers.get("authorization", ""), request.headers.get("cookie", ""))
    return Response(msgspec.json.encode(payload), status, media_type="application/json")


async def one(request: Request) -> Response:
    """A row by its id."""
    async with alchemy.sessions() as db:
        found = await alchemy.one(db, request.path_params["item_id"])
    if found is None:
        raise HTTPException(404)
    return answer(request, alchemy.as_dict(found))


async def page(request: Request) -> Response:
    """A page by id, and the number of all."""
    async with alchemy.sessions() as db:
        rows, total = await alchemy.page(db, int(request.query_params.get("page", "1")))
    return answer(request, {"rows": [alchemy.as_dict(row) for row in rows], "total": total})


async def singles(request: Request) -> Response:
    """20 queries, one after the other."""
    async with alchemy.sessions() as db:
        rows = await alchemy.singles(db, int(request.query_params.get("start", "1")))
    return answer(request, {"rows": [alchemy.as_dict(row) for row in rows]})


async def insert(request: Request) -> Response:
    """A new row."""
    item = msgspec.json.decode(await request.body(), type=ItemIn)
    async with alchemy.sessions() as db:
        entry = await alchemy.insert(db, item.name, item.price)
    return answer(request, alchemy.as_dict(entry), 201)


app = Starlette(
    routes=[
        Route("/rows/", page, methods=["GET"]),
        Route("/rows/", insert, methods=["POST"]),
        Route("/rows/singles/", singles),
        Route("/rows/{item_id:int}/", one),
    ],
    middleware=[Middleware(DutyMiddleware)],
)
