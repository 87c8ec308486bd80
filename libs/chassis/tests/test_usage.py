"""What is counted of processes and of their pool, and the SQL that is recorded of a context."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from django.contrib.contenttypes.models import ContentType
from psycopg_pool import PoolTimeout

from chassis import database as db
from chassis.database import recording, usage
from chassis.database.waiting import BoundedPool
from testing.database import database_away, in_scope, in_thread
from testing.waiting import DEADLINE, eventually

pytestmark = pytest.mark.slow

# Importing everything takes a busy machine this long, and a test does it up to four times.
START_SECONDS = 100
starts_workers = pytest.mark.timeout(300)

# A worker that serves for a moment, as a process of its own: prometheus_client looks at its directory once, at import.
WORKER = """
import asyncio, os, sys
import django
django.setup()
from chassis import metrics

async def serve():
    async with metrics.process():
        metrics.IN_PROGRESS.inc()
        if "killed" in sys.argv:
            os.kill(os.getpid(), 9)
        print((await metrics.metrics(Request())).content.decode())

class Request:
    method = "GET"

asyncio.run(serve())
"""


# One that says whether the database is up and then prints its page for each line that it reads.
DATABASE_WORKER = """
import asyncio, sys
import django
django.setup()
from chassis import metrics
from chassis.database import usage

class Request:
    method = "GET"

async def serve():
    async with metrics.process():
        if sys.argv[1] != "never":
            usage.up().set(int(sys.argv[1]))
        print("started", flush=True)
        for _ in iter(sys.stdin.readline, ""):
            print((await metrics.metrics(Request())).content.decode() + "END", flush=True)

asyncio.run(serve())
"""


@pytest_asyncio.fixture
async def small_pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BoundedPool]:
    """The process's pool, as one of two connections."""
    conninfo = urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()
    kwargs = {"autocommit": True, "application_name": "small-pool"}
    pool = BoundedPool(conninfo, kwargs=kwargs, min_size=0, max_size=2, max_waiting=4, timeout=DEADLINE, open=False)
    await pool.open()
    monkeypatch.setattr(BoundedPool, "process", pool)
    yield pool
    await pool.close()


def value(metric: Any) -> float:
    """A metric's value."""
    return float(metric._value.get())


def in_use(count: int) -> bool:
    """True if the metric says that at least so many connections are lent."""
    return value(usage.IN_USE) >= count


async def test_pool(small_pool: BoundedPool) -> None:
    """Connections, those that are lent, who waits, and how often and how long anybody did."""
    sampler = usage._Sampler()
    await sampler.sample()
    waits, seconds, refused = value(usage.WAITS), value(usage.WAIT_SECONDS), value(usage.REFUSED)
    held = [await small_pool.getconn() for _ in range(2)]
    waiting = asyncio.create_task(small_pool.getconn())
    await eventually(lambda: small_pool.get_stats()["requests_waiting"] == 1)
    with pytest.raises(PoolTimeout):
        await small_pool.getconn(timeout=0.01)
    await sampler.sample()
    assert (value(usage.CONNECTIONS), value(usage.IN_USE), value(usage.WAITING)) == (2, 2, 1)
    assert value(usage.REFUSED) - refused == 1
    for connection in held:
        await small_pool.putconn(connection)
    await small_pool.putconn(await waiting)
    await sampler.sample()
    assert (value(usage.IN_USE), value(usage.WAITING)) == (0, 0)
    assert value(usage.WAITS) - waits >= 2
    assert value(usage.WAIT_SECONDS) > seconds


async def test_up_and_away(database: None, caplog: pytest.LogCaptureFixture) -> None:
    """The metric is 1 while PostgreSQL answers, and 0 while it does not; only a change is logged."""
    ping = usage._Ping()
    await ping.sample()
    assert value(usage.up()) == 1
    async with database_away():
        for _ in range(3):
            await ping.sample()
            assert value(usage.up()) == 0
    await ping.sample()
    assert value(usage.up()) == 1
    assert [caplog.text.count(event) for event in ("database.away", "database.back")] == [1, 1]


async def test_watched(small_pool: BoundedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the process runs, both are looked at again and again."""
    monkeypatch.setattr(usage, "INTERVAL", 0)
    monkeypatch.setattr(usage, "PING_INTERVAL", 0)
    usage.up().set(0)
    usage.CONNECTIONS.set(0)
    async with usage.watched():
        for number in range(2):
            await eventually(lambda: value(usage.up()) == 1, what="it was asked")
            held = [await small_pool.getconn() for _ in range(number + 1)]
            await eventually(partial(in_use, len(held)), what="the pool was looked at")
            for connection in held:
                await small_pool.putconn(connection)
            usage.up().set(0)


async def test_ping_of_a_busy_pool(small_pool: BoundedPool) -> None:
    """All connections lent and a queue for them: PostgreSQL is up nevertheless, and the ping keeps no connection."""
    held = [await small_pool.getconn() for _ in range(2)]
    waiting = asyncio.create_task(small_pool.getconn())
    await eventually(lambda: small_pool.waiting == 1)
    await small_pool.ping()
    assert small_pool.waiting == 1
    await small_pool.putconn(held.pop())
    held.append(await waiting)
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'small-pool'"

    async def only_the_pool() -> bool:
        return bool((await (await held[0].execute(sql)).fetchone())[0] == 2)

    await eventually(only_the_pool, what="the connection of the ping is closed")
    for connection in held:
        await small_pool.putconn(connection)


async def test_ping_borrows_an_idle_connection(small_pool: BoundedPool) -> None:
    """With an idle connection in the pool none is opened, and it is given back."""
    await small_pool.putconn(await small_pool.getconn())
    await small_pool.ping()
    stats = small_pool.get_stats()
    assert (stats["connections_num"], stats["pool_size"], stats["pool_available"]) == (1, 1, 1)


def run_worker(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `WORKER` to its end."""
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)}
    return subprocess.run(
        [sys.executable, "-c", WORKER, *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


@starts_workers
async def test_a_killed_worker_is_forgotten(tmp_path: Path) -> None:
    """What it had in progress is nobody's any more, once another one takes its place."""
    killed = await asyncio.to_thread(run_worker, tmp_path, "killed")
    assert killed.returncode == -9
    next_one = await asyncio.to_thread(run_worker, tmp_path)
    assert next_one.returncode == 0, next_one.stderr
    page = next_one.stdout.splitlines()
    assert "millrace_http_requests_in_progress 1.0" in page
    assert len([line for line in page if line.startswith("millrace_process_started_seconds{")]) == 1


@starts_workers
async def test_up_of_several_workers(tmp_path: Path) -> None:
    """The lowest value of the workers that live counts, and one that never asked has none."""
    running = await asyncio.gather(*(start_database_worker(tmp_path, state) for state in ("1", "0", "never")))
    try:
        assert await page(running[0]) == ["millrace_database_up 0.0"]
        await end(running.pop(1))
        # What the one that is gone had said counts no more, once another one takes its place.
        running.append(await start_database_worker(tmp_path, "1"))
        assert await page(running[0]) == ["millrace_database_up 1.0"]
    finally:
        for worker in running:
            await end(worker)


async def start_database_worker(directory: Path, state: str) -> asyncio.subprocess.Process:
    """A worker that has said whether the database is up, or "never"."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DATABASE_WORKER, state, env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert worker.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        assert await worker.stdout.readline() == b"started\n"
    return worker


async def page(worker: asyncio.subprocess.Process) -> list[str]:
    """What its `/metrics` says of the database."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(b"page\n")
    async with asyncio.timeout(START_SECONDS):
        text = (await worker.stdout.readuntil(b"END\n")).decode()
    return [line for line in text.splitlines() if line.startswith("millrace_database_up")]


async def end(worker: asyncio.subprocess.Process) -> None:
    """Kill it: it can say no goodbye."""
    worker.kill()
    await worker.communicate()


async def test_recording(database: None) -> None:
    """What runs in the block is recorded, on whatever kind of connection, without its parameters; nothing else is."""
    await _statements()
    with recording.recorded() as statements:
        await _statements()
    await _statements()
    assert len(statements) == 2
    assert statements[0] == "SELECT %s::text"
    assert "django_content_type" in statements[1]
    assert "secret" not in str(statements)


async def _statements() -> None:
    await in_scope(db.fetch_all("SELECT %s::text", ("secret",)))
    await in_thread(ContentType.objects.filter(app_label="secret").count)


async def test_recording_ends_with_its_context(database: None) -> None:
    """Two that record at the same time see their own statements."""

    async def recorded(number: int) -> list[str]:
        with recording.recorded() as statements:
            await in_scope(_ask(number))
        return statements

    found = await asyncio.gather(*(recorded(number) for number in range(5)))
    assert found == [[f"SELECT {number}"] for number in range(5)]


async def _ask(number: int) -> None:
    await db.fetch_all(f"SELECT {number}")
