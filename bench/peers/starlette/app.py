"""Starlette; `DUTY=1` for equal duty."""

import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.peers.duty import DutyMiddleware, who

DUTY = bool(os.environ.get("DUTY"))


async def items(request: Request) -> JSONResponse:
    """The three items."""
    if DUTY:
        request.state.user = who(request.headers.get("authorization", ""), request.headers.get("cookie", ""))
    return JSONResponse({"items": [1, 2, 3]})


app = Starlette(routes=[Route("/api/items/", items)], middleware=[Middleware(DutyMiddleware)] if DUTY else [])
