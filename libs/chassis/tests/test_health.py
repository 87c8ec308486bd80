"""Health endpoints say what an orchestrator needs to know."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from blockbuster import BlockBuster
from django.db import OperationalError

from api.asgi import application
from chassis import database, health, lifespan
from chassis.database import migrations
from testing.database import count_queries, database_away, in_scope

LAST = ("rooms", "0002_room_removals")


@pytest.fixture
def client(database: None, make_client: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """Signed in as no user: health is public."""
    return make_client(application)


@pytest.fixture
def fresh() -> Iterator[None]:
    """A process that has not asked for its migrations yet."""
    health._Startup.succeeded = False
    yield
    health._Startup.succeeded = False


async def execute(sql: str, *params: Any) -> None:
    """Run one statement and give its connection back."""
    await in_scope(database.fetch_all(sql, params))


async def asked(client: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    """What `/health/startup` answers."""
    response = await client.get("/health/startup")
    return response.status_code, response.json()


@pytest.mark.parametrize("path", ["/health/", "/health/live", "/health/ready", "/health/startup"])
async def test_healthy(client: httpx.AsyncClient, path: str) -> None:
    """All of them are 200 on a healthy process."""
    response = await client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_draining(client: httpx.AsyncClient) -> None:
    """While draining it is alive, but takes nothing new, also after it has started."""
    paths = ("/health/startup", "/health/ready", "/health/live")
    assert [(await client.get(path)).status_code for path in paths] == [200, 200, 200]
    lifespan.drain()
    try:
        statuses = [(await client.get(path)).status_code for path in paths]
    finally:
        lifespan.undrain()
    assert statuses == [503, 503, 200]


async def test_database_down(fresh: None, client: httpx.AsyncClient) -> None:
    """Without a database it is alive and ready, but cannot start; with the next request after the outage it does."""
    async with database_away():
        with pytest.raises(OperationalError):
            await database.ping()
        assert [(await client.get(path)).status_code for path in ("/health/ready", "/health/live")] == [200, 200]
        assert await asked(client) == (503, {"error": "Database unavailable"})
    assert await asked(client) == (200, {"status": "ok"})


async def test_missing_migration(fresh: None, client: httpx.AsyncClient) -> None:
    """A migration of the image that is not recorded holds up the start, and is named."""
    await execute("DELETE FROM django_migrations WHERE (app, name) = (%s, %s)", *LAST)
    try:
        assert await asked(client) == (503, {"error": "Migrations are not applied: rooms.0002_room_removals"})
        assert (await client.get("/health/ready")).status_code == 200
    finally:
        await execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", *LAST)
    assert await asked(client) == (200, {"status": "ok"})


async def test_several_missing_migrations(fresh: None, client: httpx.AsyncClient) -> None:
    """The first is named, the others are counted."""
    others = len([name for app, name in migrations.shipped() if app == "rooms"]) - 1
    await execute("UPDATE django_migrations SET app = 'away' WHERE app = 'rooms'")
    try:
        message = f"Migrations are not applied: rooms.0001_initial and {others} more"
        assert await asked(client) == (503, {"error": message})
    finally:
        await execute("UPDATE django_migrations SET app = 'rooms' WHERE app = 'away'")


async def test_empty_database(fresh: None, client: httpx.AsyncClient) -> None:
    """A database on which `migrate` never ran is 503 too, not an error of ours."""
    await execute("ALTER TABLE django_migrations RENAME TO django_migrations_away")
    try:
        status, body = await asked(client)
    finally:
        await execute("ALTER TABLE django_migrations_away RENAME TO django_migrations")
    app, name = migrations.shipped()[0]
    assert (status, body) == (
        503, {"error": f"Migrations are not applied: {app}.{name} and {len(migrations.shipped()) - 1} more"},
    )  # fmt: skip


async def test_newer_migrations(fresh: None, client: httpx.AsyncClient) -> None:
    """During an upgrade the former version starts although the database is ahead of it."""
    await execute("INSERT INTO django_migrations (app, name, applied) VALUES ('rooms', '9999_future', now())")
    try:
        assert await asked(client) == (200, {"status": "ok"})
    finally:
        await execute("DELETE FROM django_migrations WHERE name = '9999_future'")


async def test_asks_once(fresh: None, client: httpx.AsyncClient, no_blocking: BlockBuster) -> None:
    """One query until it has succeeded and none after that, so it may be a container's health check."""
    with count_queries() as queries:
        assert [await asked(client) for _ in range(3)] == [(200, {"status": "ok"})] * 3
    assert len(queries) == 1


async def test_stays_started(fresh: None, client: httpx.AsyncClient) -> None:
    """Once started, a migration that vanishes does not change the answer."""
    assert (await asked(client))[0] == 200
    await execute("DELETE FROM django_migrations WHERE (app, name) = (%s, %s)", *LAST)
    try:
        assert (await asked(client))[0] == 200
    finally:
        await execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", *LAST)


async def test_stays_started_in_an_outage(fresh: None, client: httpx.AsyncClient) -> None:
    """Nor does an outage of the database."""
    assert (await asked(client))[0] == 200
    async with database_away():
        assert (await asked(client))[0] == 200


def test_shipped() -> None:
    """The list is what Django finds on disk for the apps of this process."""
    assert LAST in migrations.shipped()
    assert {"accounts", "articles", "auth"} < {app for app, _ in migrations.shipped()}
