"""The api without its database: clear answers in bounded time, and everything back by itself."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextvars import Context
from typing import Any

import httpx
import pytest
import pytest_asyncio
from django_async_backend.db.transaction import async_atomic

from accounts.models import User
from chassis.database import connection, fetch_all
from rooms.models import Message, Room
from testing.database import database_away, in_scope
from testing.people import bearer
from testing.waiting import DEADLINE, eventually

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture
async def headers(user: User) -> dict[str, str]:
    """Ada's token, made while there was a database."""
    return await bearer(user)


@pytest_asyncio.fixture
async def outage(headers: dict[str, str]) -> AsyncIterator[None]:
    """There is no database any more."""
    async with database_away():
        yield


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
    # The api promises 2 s; a busy machine has its own idea of them, so this only tells "bounded" from "for ever".
    async with asyncio.timeout(DEADLINE):
        response = await client.request(method, path, json=body, headers=headers)
    assert (response.status_code, response.json()) == (503, {"error": "Database unavailable"})
    assert int(response.headers["Retry-After"]) >= 1


async def test_sign_in_is_503(outage: None, client: httpx.AsyncClient) -> None:
    """Signing in too: not a 401, which would tell people that their password is wrong."""
    async with asyncio.timeout(DEADLINE):
        response = await client.post("/api/login/", json={"username": "ada", "password": "x"})
    assert response.status_code == 503


@pytest.mark.parametrize("path", ["/api/async/?delay=0", "/api/mode/", "/api/items/", "/health/live", "/health/ready"])
async def test_the_rest_goes_on(outage: None, client: httpx.AsyncClient, path: str) -> None:
    """What needs no database answers as ever."""
    assert (await client.get(path)).status_code == 200


OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()"
)


async def test_locked_room(user_client: httpx.AsyncClient, settings: Any) -> None:
    """A post that waits for a lock is 503; repeated with its id after that, it is stored once."""
    room = await in_scope(Room.async_objects.acreate(name="lobby", title="Lobby"))
    body = {"message": "once", "id": str(uuid.uuid4())}
    async with connection(), async_atomic():
        await fetch_all("SELECT 1 FROM rooms_room WHERE id = %s FOR UPDATE", (room.pk,))
        settings.DATABASE_QUERY_TIMEOUT, usual = 0.3, settings.DATABASE_QUERY_TIMEOUT
        async with asyncio.timeout(DEADLINE):
            posting = user_client.post("/api/rooms/lobby/messages/", json=body)
            # A server's requests inherit no connection.
            refused = await asyncio.create_task(posting, context=Context())
        settings.DATABASE_QUERY_TIMEOUT = usual
    assert (refused.status_code, refused.json()) == (503, {"error": "Database unavailable"})
    repeated = await user_client.post("/api/rooms/lobby/messages/", json=body)
    # 200 where the first was stored after all: nobody was told that it was not.
    assert repeated.status_code in {200, 201}
    await eventually(nothing_runs, what="the server has ended the first post")
    assert await in_scope(Message.async_objects.acount()) == 1


async def nothing_runs() -> bool:
    """True if no other connection of this database is at work."""
    async with connection():
        return bool((await fetch_all(OTHERS))[0][0] == 0)
