"""Litestar; `DUTY=1` for equal duty, with the authentication as a dependency."""

import os

from litestar import Litestar, Request, get
from litestar.di import Provide

from bench.peers.duty import DutyMiddleware, who

DUTY = bool(os.environ.get("DUTY"))


async def current_user(request: Request) -> str | None:
    """What authenticates the request, if anything."""
    return who(request.headers.get("authorization", ""), request.headers.get("cookie", ""))


@get("/api/items/")
async def items() -> dict[str, list[int]]:
    """The three items."""
    return {"items": [1, 2, 3]}


@get("/api/items/", dependencies={"user": Provide(current_user)})
async def items_for(user: str | None) -> dict[str, list[int]]:
    """The three items, for whoever it is."""
    return {"items": [1, 2, 3]}


app = Litestar(
    route_handlers=[items_for if DUTY else items],
    middleware=[DutyMiddleware] if DUTY else [],
    openapi_config=None,
    logging_config=None,
)
