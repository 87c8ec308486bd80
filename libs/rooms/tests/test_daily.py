"""`manage daily`: what it runs, what it does about failures, and how it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.utils import timezone

from accounts.models import AccessToken, Session, User, WebSocketTicket
from chassis.management import jobs
from rooms.models import Room
from testing.database import in_scope, in_thread

# Of a process that has to import everything first, on a busy machine.
DEADLINE = 60.0
NOTHING = ["tickets: 0 deleted", "tokens: 0 deleted", "sessions: 0 deleted", "rooms: 0 deleted", "messages: 0 deleted"]


@contextmanager
def no_deletion(table: str) -> Iterator[None]:
    """PostgreSQL refuses to delete from `table` within the block."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no deletion'; END $$"
        )
        cursor.execute(f"CREATE TRIGGER refuse BEFORE DELETE ON {table} EXECUTE FUNCTION refuse()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse CASCADE")


def daily(**options: Any) -> tuple[list[str], list[str], str]:
    """What `manage daily` prints, complains about, and fails with."""
    output, errors, failure = StringIO(), StringIO(), ""
    try:
        call_command("daily", stdout=output, stderr=errors, **options)
    except CommandError as error:
        failure = str(error)
    return output.getvalue().splitlines(), errors.getvalue().splitlines(), failure


async def leave_something(user: User) -> None:
    """In each table, one row that has to go."""
    ended = timezone.now() - timedelta(days=2)
    await in_scope(Session.async_objects.acreate(session_key="ended", session_data="", expire_date=ended))
    token = AccessToken.async_objects.acreate(digest="ended", user_id=user.pk, expires_at=ended)
    ticket = WebSocketTicket.async_objects.acreate(digest="ended", user_id=user.pk, room="lobby", expires_at=ended)
    await in_scope(token)
    await in_scope(ticket)
    await in_scope(Room.async_objects.acreate(name="old", title="Old", on_demand=True, used_at=ended))


async def test_everything_is_done(ada: User, tmp_path: Path) -> None:
    """A line a table says what went, and a file that all went well; the next run has nothing to do."""
    await leave_something(ada)
    done = tmp_path / "done"
    expected = [f"{name}: 1 deleted" for name in ("tickets", "tokens", "sessions", "rooms")]
    assert await in_thread(daily, touch=done) == ([*expected, "messages: 0 deleted"], [], "")
    assert done.exists()
    assert await in_thread(daily) == (NOTHING, [], "")


async def test_a_failure_does_not_stop_the_rest(ada: User, tmp_path: Path) -> None:
    """Everything else is done, a line says what failed, and so does the exit code."""
    await leave_something(ada)
    done = tmp_path / "done"

    def run() -> tuple[list[str], list[str], str]:
        with no_deletion("accounts_accesstoken"):
            return daily(touch=done)

    output, errors, failure = await in_thread(run)
    assert output == ["tickets: 1 deleted", "sessions: 1 deleted", "rooms: 1 deleted", "messages: 0 deleted"]
    assert len(errors) == 1
    assert errors[0].startswith("purge_expired: tokens: no deletion")
    assert failure == "failed: purge_expired"
    assert not done.exists()


async def test_two_at_once(database: None) -> None:
    """The second one says that there is a first, and does nothing."""

    def run() -> tuple[list[str], list[str], str]:
        with jobs.first(DEFAULT_DB_ALIAS) as first:
            assert first
            return daily()

    assert await in_thread(run) == (["Another `daily` is running: nothing to do"], [], "")
    assert await in_thread(daily) == (NOTHING, [], "")


async def start(*arguments: str) -> asyncio.subprocess.Process:
    """The command as a process, on the test database."""
    base, _, name = os.environ["DATABASE_URL"].rpartition("/")
    url = f"{base}/{connections.settings[DEFAULT_DB_ALIAS]['NAME'] or name}"
    program = "from django.core.management import execute_from_command_line as run; import sys; run(sys.argv)"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "daily", *arguments,
        env={**os.environ, "DATABASE_URL": url}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.timeout(120)
async def test_again_and_again_until_sigterm(database: None, tmp_path: Path) -> None:
    """It goes on after the first run, and ends at once when it is told to, with 0."""
    process = await start("--every", "0.1", "--touch", str(tmp_path / "done"))
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        for line in NOTHING * 2:
            assert (await process.stdout.readline()).decode().strip() == line
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0
    assert (tmp_path / "done").exists()


@pytest.mark.timeout(120)
async def test_sigterm_ends_the_wait_for_the_next_day(database: None) -> None:
    """It does not sleep on."""
    process = await start("--every", "86400")
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        for line in NOTHING:
            assert (await process.stdout.readline()).decode().strip() == line
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0
