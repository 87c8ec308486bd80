"""What a command that runs as a job needs: to wait for PostgreSQL itself, and to be the only one of its kind.

Everything here uses a connection outside of Django's: one without the pool, whose own attempts to connect would be
logged and would hide the reason.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from chassis.database import migrations

INTERVAL = 0.5
# Numbers that spell something in ASCII: advisory locks of a database share one space of numbers.
_MIGRATE_LOCK = int.from_bytes(b"millrace")
_DAILY_LOCK = int.from_bytes(b"mr-daily")

type Say = Callable[[str], object]


def wait_until(obstacle: Callable[[], str], say: Say) -> None:
    """Returns as soon as `obstacle()` names none; raises `CommandError` if it still does after `DATABASE_WAIT_SECONDS`.

    With 0 seconds it looks once.
    """
    seconds = settings.DATABASE_WAIT_SECONDS
    deadline = time.monotonic() + seconds
    reason = obstacle()
    if reason and seconds:
        say(f"{reason}; waiting up to {seconds:g} s")
    while reason:
        left = deadline - time.monotonic()
        if left <= 0:
            raise CommandError(f"{reason}; gave up after {seconds:g} s (DATABASE_WAIT_SECONDS)")
        time.sleep(min(INTERVAL, left))
        reason = obstacle()


def accepting(alias: str = DEFAULT_DB_ALIAS) -> str:
    """Why PostgreSQL accepts no connection; empty if it does."""
    try:
        _connect(alias).close()
    except psycopg.Error as error:
        return _away(alias, error)
    return ""


def migrated(alias: str = DEFAULT_DB_ALIAS) -> str:
    """Why the tables are not there: no connection, or migrations that are not applied; empty if they are."""
    try:
        with contextlib.closing(_connect(alias)) as connection:
            missing = migrations.missing_on(connection)
    except psycopg.Error as error:
        return _away(alias, error)
    return migrations.describe(missing) if missing else ""


@contextlib.contextmanager
def only_one(alias: str, say: Say) -> Iterator[None]:
    """The block runs in one process at a time; others wait for it, without a limit, and say so.

    The lock belongs to its own session, so it is released at the end of the block, after a failure, and when the
    process or its node dies. It needs a connection to PostgreSQL, not to a pooler that shares sessions.
    """
    try:
        connection = _connect(alias)
    except psycopg.Error as error:
        raise CommandError(_away(alias, error)) from error
    with contextlib.closing(connection):
        connection.execute("SET statement_timeout = 0")
        cursor = connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", (_MIGRATE_LOCK,))
        if cursor.fetchone() != (True,):
            say("Another `migrate` is running: waiting until it has ended")
            connection.execute("SELECT pg_advisory_lock(%s::bigint)", (_MIGRATE_LOCK,))
        try:
            yield
        finally:
            # The end of the session would release it too, but a little later. A session that was lost has no lock.
            with contextlib.suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock(%s::bigint)", (_MIGRATE_LOCK,))


@contextlib.contextmanager
def first(alias: str) -> Iterator[bool]:
    """True in one process at a time, for the length of the block; False in others, which should do nothing.

    The lock belongs to its own session, like that of `only_one`. Raises `CommandError` if PostgreSQL is away.
    """
    try:
        connection = _connect(alias)
    except psycopg.Error as error:
        raise CommandError(_away(alias, error)) from error
    with contextlib.closing(connection):
        cursor = connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", (_DAILY_LOCK,))
        # The end of the session releases it.
        yield cursor.fetchone() == (True,)


def _connect(alias: str) -> "psycopg.Connection[Any]":
    options = connections[alias].get_connection_params() | {"cursor_factory": psycopg.Cursor, "autocommit": True}
    return psycopg.connect(**options)


def _away(alias: str, error: psycopg.Error) -> str:
    database = connections[alias].settings_dict
    # psycopg's reasons have several lines.
    reason = " ".join(str(error).split())
    return f"PostgreSQL at {database['HOST']}:{database['PORT']} accepts no connection ({reason})"
