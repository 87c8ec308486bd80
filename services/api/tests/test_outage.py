"""The api without its database: clear answers in bounded time, and everything back by itself."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from accounts.models import User
from chassis.database import async_connections

from .conftest import bearer

# The api promises 2 s; a test machine may be slow, so this only tells "bounded" from "waits for ever".
DEADLINE = 8


@pytest_asyncio.fixture
async def headers(user: User) -> dict[str, str]:
    """Ada's token, made while there was a database."""
    return await bearer(user)


@pytest_asyncio.fixture
async def outage(headers: dict[str, str]) -> AsyncIterator[None]:
    """The pool is pointed at a port where nobody listens, as if PostgreSQL had died."""
    wrapper = async_connections["default"]
    await wrapper.close_pool()
    wrapper.settings_dict["PORT"], port = 1, wrapper.settings_dict["PORT"]
    yield
    wrapper.settings_dict["PORT"] = port
    await wrapper.close_pool()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/users/", None),
        ("GET", "/api/me/", None),
        ("GET", "/api/rooms/lobby/messages/", None),
        ("GET", "/api/rooms/lobby/events/", None),
        ("POST", "/api/rooms/lobby/messages/", {"message": "hi"}),
        ("POST", "/api/ws-ticket/", {"room": "lobby"}),
    ],
)
async def test_503(
    outage: None, client: httpx.AsyncClient, headers: dict[str, str], method: str, path: str, body: object
) -> None:
    """Whatever needs the database says so, whether the middleware or the view met the outage."""
    async with asyncio.timeout(DEADLINE):
        response = await client.request(method, path, json=body, headers=headers)
    assert (response.status_code, response.json()) == (503, {"error": "Database unavailable"})
    assert int(response.headers["Retry-After"]) >= 1


async def test_sign_in_is_503(outage: None, client: httpx.AsyncClient) -> None:
    """Signing in too: not a 401, which would tell people that their password is wrong."""
    async with asyncio.timeout(DEADLINE):
        response = await client.post("/api/login/", json={"username": "ada", "password": "x"})
    assert response.status_code == 503


@pytest.mark.parametrize("path", ["/api/async/?delay=0", "/api/mode/", "/api/items/", "/health/live"])
async def test_the_rest_goes_on(outage: None, client: httpx.AsyncClient, path: str) -> None:
    """What needs no database answers as ever."""
    assert (await client.get(path)).status_code == 200
