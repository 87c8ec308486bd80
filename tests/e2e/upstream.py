"""Faults on the mock upstream, which always end."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from tests.e2e.recording import poll

RESOURCES = ("users", "products", "orders")


@contextlib.asynccontextmanager
async def faults(upstream: httpx.AsyncClient, settings: dict[str, Any]) -> AsyncIterator[None]:
    """`settings` hold inside; none do afterwards."""
    answer = await upstream.put("/faults", json=settings)
    assert answer.status_code == 200, answer.text
    try:
        yield
    finally:
        assert (await upstream.delete("/faults")).status_code == 200


# What the upstream says now, whatever it said before: no copies, and no breaker that an earlier fault has opened.
NOW = {"without": "fresh,stale,breaker"}


async def whole(client: httpx.AsyncClient) -> dict[str, Any]:
    """The first gathered answer without a failed leg: a fault may leave a connection behind that is being replaced."""

    async def ask() -> dict[str, Any] | None:
        answer = await client.get("/api/gather/", params=NOW)
        return answer.json() if answer.status_code == 200 and not answer.json()["meta"]["partial"] else None

    return await poll(ask, "whole answer of /api/gather/")
