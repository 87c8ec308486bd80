"""Health endpoints say what an orchestrator needs to know."""

from collections.abc import Callable

import httpx
import pytest
from django.db import OperationalError

from api.asgi import application
from chassis import database, lifespan


@pytest.fixture
def client(database: None, make_client: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """Nobody: health is public."""
    return make_client(application)


@pytest.mark.parametrize("path", ["/health/", "/health/live", "/health/ready", "/health/startup"])
async def test_healthy(client: httpx.AsyncClient, path: str) -> None:
    """All of them are 200 on a healthy process."""
    response = await client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_draining(client: httpx.AsyncClient) -> None:
    """While draining, not ready but alive."""
    lifespan.drain()
    try:
        statuses = [(await client.get(path)).status_code for path in ("/health/ready", "/health/live")]
    finally:
        lifespan.undrain()
    assert statuses == [503, 200]


async def test_database_down(client: httpx.AsyncClient) -> None:
    """Without a database, not ready but alive: the pool is pointed at a port where nobody listens."""
    wrapper = database.async_connections["default"]
    await wrapper.close_pool()
    wrapper.settings_dict["PORT"], port = 1, wrapper.settings_dict["PORT"]
    try:
        with pytest.raises(OperationalError):
            await database.ping()
        statuses = [(await client.get(path)).status_code for path in ("/health/ready", "/health/live")]
    finally:
        await wrapper.close_pool()
        wrapper.settings_dict["PORT"] = port
    assert statuses == [503, 200]


async def test_recovers(client: httpx.AsyncClient) -> None:
    """Ready again with the next request, without a restart."""
    assert (await client.get("/health/ready")).status_code == 200
