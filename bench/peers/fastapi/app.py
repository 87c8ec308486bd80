"""FastAPI; `DUTY=1` for equal duty, with the authentication as a dependency."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, Header

from bench.peers.duty import DutyMiddleware, who

app = FastAPI(openapi_url=None)

if os.environ.get("DUTY"):
    app.add_middleware(DutyMiddleware)

    async def current_user(
        authorization: Annotated[str, Header()] = "", cookie: Annotated[str, Header()] = ""
    ) -> str | None:
        """What authenticates the request, if anything."""
        return who(authorization, cookie)

    @app.get("/api/items/")
    async def items_for(user: Annotated[str | None, Depends(current_user)]) -> dict[str, list[int]]:
        """The three items."""
        return {"items": [1, 2, 3]}

else:

    @app.get("/api/items/")
    async def items() -> dict[str, list[int]]:
        """The three items."""
        return {"items": [1, 2, 3]}
