"""FastAPI; `DUTY=1` for equal duty."""

import os

from fastapi import FastAPI

from bench.peers.duty import DutyMiddleware
from bench.peers.fastapi.user import User

app = FastAPI(openapi_url=None)

if os.environ.get("DUTY"):
    app.add_middleware(DutyMiddleware)

    @app.get("/api/items/")
    async def items_for(user: User) -> dict[str, list[int]]:
        """The three items."""
        return {"items": [1, 2, 3]}

else:

    @app.get("/api/items/")
    async def items() -> dict[str, list[int]]:
        """The three items."""
        return {"items": [1, 2, 3]}
