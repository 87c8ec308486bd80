"""Which migrations the image ships, and which of them the database does not have yet.

Newer ones in the database are fine: during an upgrade the former version of the code runs with them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any

import psycopg
from django.db import ProgrammingError
from django.db.migrations.loader import MigrationLoader

from chassis.database.statements import fetch_all

type Migration = tuple[str, str]

# Sends the list and gets back what is missing: no rows once all is well.
_MISSING = (
    "SELECT app, name FROM unnest(%s::text[], %s::text[]) AS shipped (app, name)"
    " EXCEPT SELECT app, name FROM django_migrations ORDER BY app, name"
)


@cache
def shipped() -> tuple[Migration, ...]:
    """(app, name) of each migration of `INSTALLED_APPS`, read from disk once."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return tuple(sorted(loader.disk_migrations))


@contextlib.asynccontextmanager
async def listed() -> AsyncIterator[None]:
    """A lifespan resource: reads the list before the first request, because reading it imports every migration."""
    await asyncio.to_thread(shipped)
    yield


async def missing() -> Sequence[Migration]:
    """The shipped migrations that are not recorded as applied; raises `django.db.Error` if the database is away."""
    try:
        return await fetch_all(_MISSING, _columns())
    except ProgrammingError:
        # The table itself is made by the first `migrate`.
        return shipped()


def missing_on(connection: "psycopg.Connection[Any]") -> Sequence[Migration]:
    """The same on a synchronous connection in autocommit mode, for commands; raises `psycopg.Error`."""
    try:
        return psycopg.Cursor(connection).execute(_MISSING, _columns()).fetchall()
    except psycopg.errors.UndefinedTable:
        return shipped()


def describe(migrations: Sequence[Migration]) -> str:
    """`Migrations are not applied: rooms.0007_x and 2 more`."""
    app, name = migrations[0]
    more = f" and {len(migrations) - 1} more" if len(migrations) > 1 else ""
    return f"Migrations are not applied: {app}.{name}{more}"


def _columns() -> tuple[list[str], list[str]]:
    return [app for app, _ in shipped()], [name for _, name in shipped()]
