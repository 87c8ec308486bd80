"""W3 in FastAPI, with one aiohttp session a process."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from fastapi import FastAPI

from bench.peers.duty import DutyMiddleware
from bench.peers.fastapi.user import User

UPSTREAM = os.environ["UPSTREAM_URL"]
RESOURCES = ("users", "products", "orders")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The session, from start to stop."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as app.state.session:
        yield


app = FastAPI(openapi_url=None, lifespan=lifespan)
app.add_middleware(DutyMiddleware)


async def fetch(name: str) -> Any:
    """The rows of one resource."""
    async with app.state.session.get(f"{UPSTREAM}/{name}", params={"limit": "10"}) as response:
        response.raise_for_status()
        return (await response.json())[name]


@app.get("/api/gather/")
async def gather(user: User) -> dict[str, list[dict[str, Any]]]:
    """All three at once."""
    found = await asyncio.gather(*(fetch(name) for name in RESOURCES))
    return dict(zip(RESOURCES, found, strict=True))
