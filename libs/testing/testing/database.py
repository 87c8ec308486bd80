"""Fixtures on a real PostgreSQL and a real Redis: `DATABASE_URL` and `REDIS_URL` must lead to running servers.

Used as a plugin (`pytest_plugins = ["testing.database"]`). Tests commit for real, and every test that asked for
`database` leaves all tables empty. The numbers of rows go on: a late event about user 7 of one test concerns no user of
the next test.

PYTEST_DONT_REWRITE: conftest files import names from here, which is before pytest could rewrite it.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections
from django.test.utils import setup_databases, teardown_databases
from django_async_backend.db import async_connections
from django_async_backend.db.backends.utils import AsyncCursorWrapper

from chassis import database as db
from chassis import redis
from chassis.bus.publish import _pending as pending_events
from chassis.database import statements
from chassis.database.options import POOL_TIMEOUT
from testing.waiting import DEADLINE, eventually

KEEP = ("django_migrations", "django_content_type", "auth_permission")
# More rows than that are quicker truncated than deleted, which for few rows takes a hundredth of the time.
_MANY_ROWS = 500


@pytest.fixture(scope="session")
def _test_database(django_test_environment: None, django_db_blocker: Any, django_db_keepdb: bool) -> Iterator[None]:
    # pytest-django's own set-up makes databases only for tests with its marker, which wraps each test in a synchronous
    # transaction; without it, our tests would run on, and empty, the database that DATABASE_URL names.
    with django_db_blocker.unblock():
        config = setup_databases(verbosity=0, interactive=False, aliases={"default": False}, keepdb=django_db_keepdb)
        yield
        connections["default"].close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL wrapper
        teardown_databases(config, verbosity=0, keepdb=django_db_keepdb)


@pytest_asyncio.fixture(scope="session")
async def _pool(_test_database: None) -> AsyncIterator[None]:
    """The pool is closed before its database is dropped, also if no test entered the service's lifespan.

    A task may wait for a connection as long as a busy machine needs; tests of a full pool set another time.
    """
    with pool_timeout(DEADLINE):
        async with db.pool():
            yield


@contextlib.contextmanager
def pool_timeout(seconds: float) -> Iterator[None]:
    """In a pool that is made within the block, a task waits this long for a connection."""
    # Of the settings: a connection that is made here would be that of every task that starts later.
    options = async_connections.settings["default"]["OPTIONS"]["pool"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(options, "timeout", seconds)
        yield


@contextlib.asynccontextmanager
async def database_away() -> AsyncIterator[None]:
    """The pool is pointed at a port that refuses connections, as if PostgreSQL had died."""
    wrapper = async_connections["default"]
    await wrapper.close_pool()
    with pool_timeout(POOL_TIMEOUT), pytest.MonkeyPatch.context() as patch:
        patch.setitem(wrapper.settings_dict, "PORT", 1)
        yield
        await wrapper.close_pool()


def connections_in_use() -> int:
    """How many of the pool's connections some task of this process holds."""
    stats = async_connections["default"].pool.get_stats()
    return int(stats.get("pool_size", 0) - stats.get("pool_available", 0))


@pytest_asyncio.fixture
async def database(_pool: None, settings: Any) -> AsyncIterator[None]:
    """PostgreSQL with all migrations applied and no rows; emptied after the test, which must leak no connection."""
    settings.DATABASE_QUERY_TIMEOUT = DEADLINE
    yield
    await eventually(lambda: connections_in_use() == 0, what="every connection is back in the pool")
    # What a test published soon is on the bus before the next test listens to a group of the same name.
    await eventually(lambda: not pending_events, what="everything is published")
    async with db.connection(deadline=DEADLINE) as connection:
        await connection.ensure_connection()
        await _empty(connection.connection)


async def _empty(connection: "psycopg.AsyncConnection[Any]") -> None:
    cursor = psycopg.AsyncCursor(connection)
    await cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    names = [f'"{table}"' for (table,) in await cursor.fetchall() if table not in KEEP]
    probes = (f"(SELECT 1 FROM {name} OFFSET {_MANY_ROWS} LIMIT 1)" for name in names)  # noqa: S608 - of the catalogue
    await cursor.execute(" UNION ALL ".join(probes))
    if await cursor.fetchone() is None:
        # In one transaction: Django's foreign keys are looked at when it ends, so the order does not matter.
        deletions = (f"DELETE FROM {name}" for name in names)  # noqa: S608 - of the catalogue
        await cursor.execute("; ".join(deletions), prepare=False)
    else:
        await cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE", prepare=False)


@pytest_asyncio.fixture
async def clean_redis() -> AsyncIterator[Any]:
    """An empty Redis database, emptied again after the test; yields the client."""
    client = redis.client()
    await client.flushdb()
    yield client
    await client.flushdb()


@contextlib.contextmanager
def count_queries() -> Iterator[list[str]]:
    """The SQL of each statement on any async connection within the block, whoever sent it; not BEGIN and COMMIT."""
    sent: list[str] = []
    of_orm, of_statement = AsyncCursorWrapper.execute, statements._execute

    async def record_orm(cursor: Any, sql: Any, params: Any = None) -> Any:
        sent.append(str(sql))
        return await of_orm(cursor, sql, params)

    async def record_statement(connection: Any, sql: str, params: tuple[Any, ...]) -> Any:
        sent.append(sql)
        return await of_statement(connection, sql, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncCursorWrapper, "execute", record_orm)
        patch.setattr(statements, "_execute", record_statement)
        yield sent


async def in_scope[R](work: Awaitable[R]) -> R:
    """Await database work as a request would run it: its connection is given back at the end."""
    async with db.connection():
        return await work


async def in_thread[R](work: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Call synchronous database code as a sync view would: on a thread, with its connection given back at the end."""

    def call() -> R:
        try:
            return work(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(call)()
