"""What is counted of processes and of their pool, and the SQL that is recorded of a context."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
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
from chassis.testing import eventually, in_section, in_thread

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


@pytest_asyncio.fixture
async def small_pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BoundedPool]:
    """The process's pool, as one of two connections."""
    conninfo = urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()
    pool = BoundedPool(conninfo, min_size=0, max_size=2, max_waiting=4, timeout=10, open=False)
    await pool.open()
    monkeypatch.setattr(BoundedPool, "process", pool)
    yield pool
    await pool.close()


def value(metric: Any) -> float:
    """A metric's value."""
    return float(metric._value.get())


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


def run_worker(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `WORKER` to its end."""
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)}
    return subprocess.run(
        [sys.executable, "-c", WORKER, *arguments], env=env, capture_output=True, text=True, timeout=50, check=False
    )


async def test_a_killed_worker_is_forgotten(tmp_path: Path) -> None:
    """What it had in progress is nobody's any more, once another one takes its place."""
    killed = await asyncio.to_thread(run_worker, tmp_path, "killed")
    assert killed.returncode == -9
    next_one = await asyncio.to_thread(run_worker, tmp_path)
    assert next_one.returncode == 0, next_one.stderr
    page = next_one.stdout.splitlines()
    assert "millrace_http_requests_in_progress 1.0" in page
    assert len([line for line in page if line.startswith("millrace_process_started_seconds{")]) == 1


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
    await in_section(db.fetch_all("SELECT %s::text", ("secret",)))
    await in_thread(ContentType.objects.filter(app_label="secret").count)


async def test_recording_ends_with_its_context(database: None) -> None:
    """Two that record at the same time see their own statements."""

    async def recorded(number: int) -> list[str]:
        with recording.recorded() as statements:
            await in_section(_ask(number))
        return statements

    found = await asyncio.gather(*(recorded(number) for number in range(5)))
    assert found == [[f"SELECT {number}"] for number in range(5)]


async def _ask(number: int) -> None:
    await db.fetch_all(f"SELECT {number}")
