"""The true async database connection: settings, short-lived use, shutdown.

A connection of django-async-backend belongs to the task that first used it and stays with that task until it is
released. The HTTP handler releases it as soon as the view has answered; whatever lives longer than a request (a socket,
a stream, a background task) wraps each piece of work in `connection()`, or it would hold one connection for its
lifetime.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from django_async_backend.db import async_connections

from chassis.database import bounded

__all__ = ["ENGINE", "async_connections", "connection", "database_settings", "fetch_all", "ping", "pool", "release"]

ENGINE = "chassis.database"
_SERVER_OPTIONS = " ".join(
    f"-c {name}"
    for name in (
        "statement_timeout=30s",
        "idle_in_transaction_session_timeout=30s",
        "client_connection_check_interval=1s",
    )
)


def database_settings(parsed: dict[str, Any], *, pool_max: int, application_name: str) -> dict[str, Any]:
    """`parsed` (what dj-database-url makes of `DATABASE_URL`) with our pool: bounded in size, in waiters and in time.

    An exhausted pool or a dead server answers within 2 s: `timeout` bounds the wait for a connection,
    `max_waiting` the queue for one, `connect_timeout` (2 s is libpq's minimum) each attempt. A query on an async
    connection has `DATABASE_QUERY_TIMEOUT` (see `bounded`); `statement_timeout` is the server's own bound of 30 s.
    `client_connection_check_interval` has the server end what nobody waits for any more, such as a wait for a lock, and
    `tcp_user_timeout` (ms) closes a connection whose packets nobody acknowledges, a synchronous one too.
    `reconnect_timeout` is short so that a pool that lost its server starts over with the next request instead of
    sleeping through a long backoff.
    """
    return {
        **parsed,
        "ENGINE": ENGINE,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {
            **parsed.get("OPTIONS", {}),
            "application_name": application_name,
            "connect_timeout": 2,
            "tcp_user_timeout": 10_000,
            "options": _SERVER_OPTIONS,
            "pool": {
                "min_size": 0,
                "max_size": pool_max,
                "timeout": 1.5,
                "max_waiting": 32 * pool_max,
                "max_idle": 60,
                "reconnect_timeout": 2,
            },
        },
    }


async def release() -> None:
    """Give the current task's connections back to the pool; costs nothing where it holds none.

    The wrapper goes too: it belongs to this task for good, and a task started later from this context would inherit it
    and be refused.
    """
    for wrapper in async_connections.all(initialized_only=True):
        if _is_ours(wrapper):
            await wrapper.close()
            del async_connections[wrapper.alias]


def _is_ours(wrapper: Any) -> bool:
    return wrapper._task in (None, asyncio.current_task())  # noqa: SLF001 - the library has no public word for the owner


@contextlib.asynccontextmanager
async def connection(*, deadline: float | None = None) -> AsyncIterator[Any]:
    """The current task's connection until the end of the block, or of the block or request around it.

    `deadline` is for work that needs longer: the seconds that each query of the block may take.
    """
    inherited = wrapper = async_connections["default"]
    if not _is_ours(wrapper):
        wrapper = async_connections["default"] = async_connections.create_connection("default")
    # One that nobody has used yet may be in the contexts of other tasks too: the first of them has it.
    wrapper.validate_task_sharing()
    enclosed = wrapper.connection is not None
    try:
        with bounded.deadline(deadline):
            yield wrapper
    finally:
        try:
            if not enclosed:
                await release()
        finally:
            # What `async_to_sync` runs is a task whose context goes back to the caller: if another task's wrapper were
            # missing there, that task would never release its connection, and the pool would have lost it for good.
            if wrapper is not inherited:
                async_connections["default"] = inherited


async def fetch_all(sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of one statement on the current task's connection, in one round trip."""
    async with await async_connections["default"].cursor() as cursor:
        await cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = await cursor.fetchall()
        return rows


async def ping() -> None:
    """One round trip to the server; raises `django.db.OperationalError` in bounded time where it is down or frozen."""
    async with connection():
        await fetch_all("SELECT 1")


@contextlib.asynccontextmanager
async def pool() -> AsyncIterator[None]:
    """A lifespan resource: closes this process's pool at the end. It opens by itself with the first query."""
    try:
        yield
    finally:
        await async_connections["default"].close_pool()
