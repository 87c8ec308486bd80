"""The limit of W3: a plain ASGI callable on one aiohttp session."""

import asyncio
import os
from typing import Any

import aiohttp
import msgspec

UPSTREAM = os.environ["UPSTREAM_URL"]
RESOURCES = ("users", "products", "orders")
_encode = msgspec.json.Encoder().encode


class _Session:
    instance: Any = None


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Any HTTP request."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    found = await asyncio.gather(*(_fetch(name) for name in RESOURCES))
    body = _encode(dict(zip(RESOURCES, found, strict=True)))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _fetch(name: str) -> Any:
    async with _Session.instance.get(f"{UPSTREAM}/{name}?limit=10") as response:
        return msgspec.json.decode(await response.read())[name]


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as _Session.instance:
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
