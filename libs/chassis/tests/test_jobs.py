"""`manage migrate` and `manage seed_demo` as jobs: they wait for PostgreSQL themselves, and for each other."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio
from django.core.management import CommandError
from django.db import connections
from pytest_django import Settings

from chassis.database import migrations
from chassis.management import jobs
from testing.database import in_thread
from testing.waiting import eventually

from .gate import Gate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
START_SECONDS = 120
# Of the database that is asked: another run may wait for locks of its own on the same server.
WAITING = """SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
    AND clock_timestamp() - query_start > %s"""


def url_of(name: str, port: int | None = None) -> str:
    """The URL of a database of the suite's server, by way of another port if one is given."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return url._replace(path=f"/{name}", netloc=url.netloc.replace(f":{url.port}", f":{port or url.port}")).geturl()


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The name of a database without tables."""
    name = f"jobs_{uuid.uuid4().hex}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield name
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture
async def gate() -> AsyncIterator[Gate]:
    """A closed way to PostgreSQL."""
    made = Gate()
    yield made
    await made.close()


class Job:
    """`python -m api.manage` with these arguments."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdout is not None
        self.stdout = process.stdout

    async def line(self) -> str:
        """The next line that it prints."""
        async with asyncio.timeout(START_SECONDS):
            return (await self.stdout.readline()).decode().rstrip()

    async def ended(self) -> tuple[int | None, list[str], list[str]]:
        """Its exit status, and the lines that are left of its output and of its errors."""
        async with asyncio.timeout(START_SECONDS):
            out, err = await self.process.communicate()
        return self.process.returncode, out.decode().splitlines(), err.decode().splitlines()


async def start(url: str, *arguments: str, wait: str = "0") -> Job:
    """Start a command on the database of this URL."""
    env = {**os.environ, "DATABASE_URL": url, "DATABASE_WAIT_SECONDS": wait, "DEMO": "1"}
    pipe = asyncio.subprocess.PIPE
    return Job(
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api.manage", *arguments, env=env, stdout=pipe, stderr=pipe
        )
    )


def missing(url: str) -> Any:
    """Migrations that a database does not have."""
    with psycopg.connect(url, autocommit=True) as connection:
        return migrations.missing_on(connection)


async def test_two_migrates_at_once(empty_database: str) -> None:
    """They run one after the other: the second waits, says so, and has nothing left to do."""
    url = url_of(empty_database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s::bigint)", (jobs._MIGRATE_LOCK,))
        both = [await start(url, "migrate", "--no-input") for _ in range(2)]
        assert [await job.line() for job in both] == ["Another `migrate` is running: waiting until it has ended"] * 2
        waited = (timedelta(0),)
        await eventually(lambda: connection.execute(WAITING, waited).fetchone() == (2,), what="both wait for the lock")
        connection.execute("SELECT pg_advisory_unlock(%s::bigint)", (jobs._MIGRATE_LOCK,))
        ended = await asyncio.gather(*(job.ended() for job in both))
    assert [(code, err) for code, _, err in ended] == [(0, []), (0, [])]
    assert sorted("  No migrations to apply." in out for _, out, _ in ended) == [False, True]
    assert not missing(url)


@pytest.mark.parametrize("command", ["migrate", "seed_demo"])
async def test_waits_for_the_database(empty_database: str, gate: Gate, command: str) -> None:
    """A job that starts before PostgreSQL says so in one line, and goes on as soon as PostgreSQL is there."""
    direct = url_of(empty_database)
    job = await start(url_of(empty_database, gate.port), command, wait="600")
    if command == "seed_demo":
        assert (await (await start(direct, "migrate", "--no-input")).ended())[0] == 0
    line = await job.line()
    assert line.startswith(f"PostgreSQL at 127.0.0.1:{gate.port} accepts no connection (connection ")
    assert line.endswith("; waiting up to 600 s")
    await gate.open()
    code, out, err = await job.ended()
    assert (code, err) == (0, [])
    assert not [line for line in out if "waiting" in line]
    assert not missing(direct)


@pytest.mark.parametrize("command", ["migrate", "seed_demo"])
@pytest.mark.parametrize("wait", ["0", "0.1"])
async def test_gives_up(gate: Gate, command: str, wait: str) -> None:
    """When the time is over the job ends with status 1 and one line; without a time it does not wait at all."""
    code, out, err = await (await start(url_of("any", gate.port), command, wait=wait)).ended()
    assert (code, len(out), len(err)) == (1, int(wait != "0"), 1)
    assert err[0].startswith(f"CommandError: PostgreSQL at 127.0.0.1:{gate.port} accepts no connection (")
    assert err[0].endswith(f"; gave up after {wait} s (DATABASE_WAIT_SECONDS)")


async def test_seed_waits_for_the_migrations(empty_database: str) -> None:
    """`seed_demo` goes on when another job has migrated."""
    url = url_of(empty_database)
    seeding = await start(url, "seed_demo", wait="600")
    assert (await seeding.line()).startswith("Migrations are not applied: ")
    assert (await (await start(url, "migrate", "--no-input")).ended())[0] == 0
    code, out, err = await seeding.ended()
    assert (code, len(out), err) == (0, 1, [])
    assert out[0].startswith("demo data: ")


async def test_seed_without_tables(empty_database: str) -> None:
    """Without a time to wait `seed_demo` ends with one line that names what is missing."""
    code, out, (line,) = await (await start(url_of(empty_database), "seed_demo")).ended()
    assert (code, out) == (1, [])
    assert line.startswith("CommandError: Migrations are not applied: ")


def lock_is_free() -> bool:
    """True if no session has the lock."""
    with psycopg.connect(**connections["default"].get_connection_params() | {"autocommit": True}) as connection:
        cursor = connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", (jobs._MIGRATE_LOCK,))
        return cursor.fetchone() == (True,)


async def test_lock_after_a_failure(database: None) -> None:
    """The lock is held during the block, and released at once when the block raises."""

    def fail() -> None:
        with jobs.only_one("default", print):
            assert not lock_is_free()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_thread(fail)
    assert await in_thread(lock_is_free)


async def test_waits_longer_than_a_statement_may_take(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration of the other process may take longer than `statement_timeout`."""
    said: list[str] = []
    options = connections["default"].settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", "-c statement_timeout=100ms")

    def wait() -> None:
        with jobs.only_one("default", said.append):
            pass

    with psycopg.connect(**connections["default"].get_connection_params() | {"autocommit": True}) as connection:
        connection.execute("SELECT pg_advisory_lock(%s::bigint)", (jobs._MIGRATE_LOCK,))
        waiting = asyncio.create_task(in_thread(wait))
        await eventually(lambda: bool(said), what="it waits")
        longer = (timedelta(milliseconds=200),)
        await eventually(lambda: connection.execute(WAITING, longer).fetchone() == (1,), what="it waits for long")
        connection.execute("SELECT pg_advisory_unlock(%s::bigint)", (jobs._MIGRATE_LOCK,))
        await waiting


def test_wait_is_bounded(settings: Settings) -> None:
    """It looks once more when the time is over, and not for longer."""
    settings.DATABASE_WAIT_SECONDS = 0.2
    said: list[str] = []
    with pytest.raises(CommandError, match=r"^away; gave up after 0\.2 s"):
        jobs.wait_until(lambda: "away", said.append)
    assert said == ["away; waiting up to 0.2 s"]
