"""The connection pool after an outage."""

import asyncio
import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import psycopg_pool
import pytest_asyncio
from django.db import connections
from psycopg_pool import PoolTimeout

from chassis.database.waiting import BoundedPool
from testing.database import in_thread
from testing.waiting import eventually

from .gate import Gate

MAX_WAITING = 4


@pytest_asyncio.fixture
async def gate() -> AsyncIterator[Gate]:
    """Closed; what it forwards ends with the test."""
    gate = Gate()
    yield gate
    await gate.close()


@pytest_asyncio.fixture
async def pool(gate: Gate) -> AsyncIterator[BoundedPool]:
    """A small pool behind the gate."""
    conninfo = urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres")
    address = conninfo._replace(netloc=conninfo.netloc.replace(f":{conninfo.port}", f":{gate.port}")).geturl()
    pool = BoundedPool(
        address, min_size=0, max_size=2, max_waiting=MAX_WAITING, timeout=0.05, reconnect_timeout=0.1, open=False
    )
    await pool.open()
    yield pool
    await pool.close()


async def test_long_outage(gate: Gate, pool: BoundedPool) -> None:
    """However many gave up while the server was away, the pool connects once it is back."""
    for _ in range(3 * MAX_WAITING):
        try:
            await pool.getconn()
        except PoolTimeout:
            continue
    await gate.open()

    async def served() -> bool:
        try:
            await pool.putconn(await pool.getconn())
        except PoolTimeout:
            return False
        return True

    await eventually(served, what="a connection")


async def test_too_many_wait(pool: BoundedPool) -> None:
    """More than may wait are refused at once."""
    outcomes = await asyncio.gather(*(pool.getconn() for _ in range(MAX_WAITING + 3)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, psycopg_pool.TooManyRequests)]
    assert len(refused) == 3


async def test_threads_are_not_refused(database: None) -> None:
    """The synchronous pool counts nobody: as many wait as there are threads."""
    assert await in_thread(lambda: connections["default"].pool.max_waiting) == 0  # type: ignore[attr-defined]  # its own
