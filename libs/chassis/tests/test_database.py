"""Connections belong to tasks and go back to the pool."""

import asyncio
import os
import socket
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from chassis import database
from testing.database import connections_in_use, in_thread

pytestmark = pytest.mark.usefixtures("database", "process")


async def test_connection_is_given_back() -> None:
    """After the block the pool has all its connections."""
    async with database.connection():
        await database.fetch_all("SELECT 1")
    stats = database.async_connections["default"].pool.get_stats()
    assert stats["pool_available"] == stats["pool_size"]


async def test_given_back_after_an_error() -> None:
    """Also when the block raises."""

    async def fails() -> None:
        async with database.connection():
            await database.fetch_all("SELECT 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    stats = database.async_connections["default"].pool.get_stats()
    assert stats["pool_available"] == stats["pool_size"]


async def test_enclosed_block_shares_the_connection() -> None:
    """A block inside a block uses the same connection and leaves it open for the rest of the outer one."""
    async with database.connection():
        outer = await database.fetch_all("SELECT pg_backend_pid()")
        async with database.connection():
            assert await database.fetch_all("SELECT pg_backend_pid()") == outer
        assert await database.fetch_all("SELECT pg_backend_pid()") == outer


async def test_tasks_started_inside_have_their_own() -> None:
    """A task started while a connection is in use does not touch it."""

    async def backend() -> int:
        async with database.connection():
            return int((await database.fetch_all("SELECT pg_backend_pid()"))[0][0])

    async with database.connection():
        own = (await database.fetch_all("SELECT pg_backend_pid()"))[0][0]
        others = await asyncio.gather(backend(), backend())
    assert own not in others


async def test_tasks_do_not_share_what_nobody_has_used() -> None:
    """Tasks that inherit a connection which is not open yet do not wait for each other to open it."""
    both = asyncio.Barrier(2)

    async def backend() -> int:
        async with database.connection():
            own = int((await database.fetch_all("SELECT pg_backend_pid()"))[0][0])
            # Neither gives its connection back before the other has one.
            await both.wait()
            return own

    assert database.async_connections["default"].connection is None
    assert len(set(await asyncio.gather(backend(), backend()))) == 2


async def test_sync_code_in_between() -> None:
    """What synchronous code runs with `async_to_sync` has its own connection; the caller keeps and returns theirs."""
    async with database.connection():
        own = await database.fetch_all("SELECT pg_backend_pid()")
        await sync_to_async(async_to_sync(database.ping))()
        assert await database.fetch_all("SELECT pg_backend_pid()") == own
    assert connections_in_use() == 0


async def test_many_tasks_share_a_small_pool() -> None:
    """Fifty tasks at once on a pool of eight: each waits its turn, none fails."""

    async def work(number: int) -> int:
        async with database.connection():
            return int((await database.fetch_all("SELECT %s::int", (number,)))[0][0])

    assert await asyncio.gather(*(work(number) for number in range(50))) == list(range(50))


KEEPALIVE = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 5,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 2,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 3,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 10_000,
}


def keepalive(descriptor: int) -> dict[tuple[int, int], int]:
    """What the kernel has for this socket."""
    with socket.socket(fileno=os.dup(descriptor)) as connected:
        return {option: connected.getsockopt(*option) for option in KEEPALIVE}


async def test_keepalive_of_an_asynchronous_connection() -> None:
    """The kernel finds out that the node of the server is dead, also while a query waits for its answer."""
    async with database.connection() as connection:
        await connection.ensure_connection()
        assert keepalive(connection.connection.pgconn.socket) == KEEPALIVE


async def test_keepalive_of_a_synchronous_connection() -> None:
    """The same for synchronous code."""

    def of_thread() -> dict[tuple[int, int], int]:
        connections["default"].ensure_connection()
        connection: Any = connections["default"].connection
        return keepalive(connection.pgconn.socket)

    assert await in_thread(of_thread) == KEEPALIVE
