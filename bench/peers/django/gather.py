"""W3 in stock Django: a client for each request, as tutorials have it, and one for all."""

import asyncio
import os
from typing import Any

import httpx
from django.http import HttpRequest, JsonResponse

UPSTREAM = os.environ.get("UPSTREAM_URL", "")
RESOURCES = ("users", "products", "orders")
_shared = httpx.AsyncClient(timeout=2)


async def _fetch(client: httpx.AsyncClient, name: str) -> Any:
    response = await client.get(f"{UPSTREAM}/{name}", params={"limit": 10})
    response.raise_for_status()
    return response.json()[name]


async def _gathered(client: httpx.AsyncClient) -> JsonResponse:
    found = await asyncio.gather(*(_fetch(client, name) for name in RESOURCES))
    return JsonResponse(dict(zip(RESOURCES, found, strict=True)))


async def own_client(request: HttpRequest) -> JsonResponse:
    """All three at once."""
    await request.auser()
    async with httpx.AsyncClient(timeout=2) as client:
        return await _gathered(client)


async def shared_client(request: HttpRequest) -> JsonResponse:
    """All three at once."""
    await request.auser()
    return await _gathered(_shared)
