"""One statement on one connection of the pool: the hot path of reads and writes.

A statement takes a connection for as long as it runs, without a wrapper, a cursor of Django's or a section around it.
Inside `database.connection()`, after the ORM and in a transaction it runs on the task's own connection.

A statement that a connection has run `DATABASE_PREPARE_THRESHOLD` times is prepared there, and no longer parsed by the
server; psycopg keeps the newest 100.
"""

import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg
from django.db.utils import DatabaseErrorWrapper
from django_async_backend.db import async_connections

from chassis.database import recording
from chassis.database.sections import own_wrapper
from chassis.database.waiting import BoundedPool

# Django's mapping of psycopg's errors to its own, which asks its connection for no more than this.
_django_errors = DatabaseErrorWrapper(cast(Any, SimpleNamespace(Database=psycopg, errors_occurred=False)))


async def fetch_all(sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of one statement, in one round trip; raises `django.db.Error` and its subclasses.

    Parameters are sent beside the statement, so the server has to be able to tell their types: where it cannot, give
    them a cast (`%s::bigint`).
    """
    wrapper = await own_wrapper()
    if wrapper is not None:
        with wrapper.wrap_database_errors:
            return await _execute(wrapper.connection, sql, params)
    with _django_errors:
        pool = await _pool()
        taken = await pool.getconn()
        try:
            return await _execute(taken, sql, params)
        finally:
            await pool.putconn(taken)


async def _execute(connection: "psycopg.AsyncConnection[Any]", sql: str, params: tuple[Any, ...]) -> list[Any]:
    recording.note(sql)
    # Not the connection's own kind: Django's cursors put parameters into the text, and cannot prepare.
    cursor = psycopg.AsyncCursor(connection)
    await cursor.execute(sql, params)
    return await cursor.fetchall() if cursor.description is not None else []


async def _pool() -> BoundedPool:
    pool = BoundedPool.process
    if pool is None or pool.closed:
        # Asked for with a wrapper, because Django's settings of the database are its.
        pool = async_connections["default"].pool
        await pool.open()
    return pool


async def ping() -> None:
    """One round trip to the server, however busy the pool is; in bounded time.

    Raises `django.db.OperationalError` or `TimeoutError` if the server is down or frozen.
    """
    with _django_errors:
        await (await _pool()).ping()


@contextlib.asynccontextmanager
async def pool() -> AsyncIterator[None]:
    """A lifespan resource: closes this process's pool at the end. It opens by itself with the first query."""
    try:
        yield
    finally:
        await async_connections["default"].close_pool()
