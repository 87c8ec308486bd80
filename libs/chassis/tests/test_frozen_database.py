"""A PostgreSQL that answers nothing and closes nothing: everything ends in bounded time, and is back by itself.

The bounds of these tests are generous: they tell "bounded" from the 30 s and more that a frozen server holds a query.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from django.db import OperationalError
from django_async_backend.db.transaction import async_atomic

from api.asgi import application
from chassis import database, health
from chassis.database import async_connections
from chassis.database.options import POOL_TIMEOUT
from testing.database import connections_in_use, count_queries, pool_timeout
from testing.waiting import DEADLINE, eventually

from .postgres_server import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

BOUND = DEADLINE
POOL_MAX = 8
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE "

type Freeze = Callable[[PostgresServer], None]
each_way = pytest.mark.parametrize("freeze", [PostgresServer.freeze, PostgresServer.freeze_backends])


@pytest_asyncio.fixture(scope="module")
async def own_server(process: None) -> AsyncIterator[PostgresServer]:
    """A server without tables, and the process's pool on it."""
    server = PostgresServer()
    await server.start()
    url = urlsplit(server.url)
    options = async_connections.settings["default"]
    own = {
        "HOST": url.hostname, "PORT": url.port, "USER": url.username, "PASSWORD": url.password, "NAME": url.path[1:]
    }  # fmt: skip
    former = {key: options[key] for key in own}
    await async_connections["default"].close_pool()
    options.update(own)
    with pool_timeout(POOL_TIMEOUT):
        yield server
        await async_connections["default"].close_pool()
    options.update(former)
    await server.stop()


@pytest_asyncio.fixture
async def server(own_server: PostgresServer, settings: Any) -> AsyncIterator[PostgresServer]:
    """The server, answering; after the test it answers again, and no connection is lost or left over."""
    settings.DATABASE_QUERY_TIMEOUT = 0.5
    # What looked at the pool has left a connection that all requests of a test would inherit; a server's do not.
    await database.release()
    yield own_server
    own_server.thaw()
    settings.DATABASE_QUERY_TIMEOUT = BOUND
    await eventually(answers, within=BOUND, what="the server answers")
    await eventually(lambda: connections_in_use() == 0, within=BOUND, what="the pool has replaced its connections")
    # Each of eight at once has a connection: no slot of the pool is lost.
    assert len(set(await pids())) == POOL_MAX
    await eventually(few_backends, within=BOUND, what="the server has ended the connections that were given up")


async def answers(sql: str = "SELECT 1") -> bool:
    """True if a query does."""
    try:
        async with database.connection():
            await database.fetch_all(sql)
    except OperationalError:
        return False
    return True


async def few_backends() -> bool:
    """True if the server has no more connections than a pool may have."""
    return await count("backend_type = 'client backend'") <= POOL_MAX


async def pids() -> list[int]:
    """The backends of as many connections as the pool may have, all lent at the same time; they are idle afterwards."""
    all_have_one = asyncio.Barrier(POOL_MAX)

    async def pid() -> int:
        async with database.connection():
            backend = int((await database.fetch_all("SELECT pg_backend_pid()"))[0][0])
            await all_have_one.wait()
            return backend

    async with asyncio.timeout(BOUND):
        return await asyncio.gather(*(pid() for _ in range(POOL_MAX)))


async def count(condition: str) -> int:
    """How many of the server's processes are in this state."""
    async with database.connection():
        return int((await database.fetch_all(COUNT + condition))[0][0])


async def asked(server: PostgresServer, freeze: Freeze) -> None:
    """Ask on a connection that works, then once more."""
    await database.fetch_all("SELECT 1")
    freeze(server)
    await database.fetch_all("SELECT 2")


async def in_transaction(work: Awaitable[object]) -> None:
    """Await `work` in a transaction."""
    async with async_atomic():
        await work


async def fails(work: Awaitable[object]) -> None:
    """Await `work` in a section; it must raise for want of an answer, in time."""
    async with database.connection():
        with pytest.raises(OperationalError, match="no answer"):
            await asyncio.wait_for(work, BOUND)


@each_way
async def test_query(server: PostgresServer, freeze: Freeze) -> None:
    """A query that gets no answer raises Django's `OperationalError`."""
    await fails(asked(server, freeze))


@each_way
async def test_query_in_a_transaction(server: PostgresServer, freeze: Freeze) -> None:
    """In a transaction it raises the same: its end does not wait for the server, nor for another connection."""
    await fails(in_transaction(asked(server, freeze)))


async def test_commit(server: PostgresServer) -> None:
    """A COMMIT that gets no answer raises too: nobody is told that it was done."""

    async def work() -> None:
        await database.fetch_all("SELECT 1")
        server.freeze()

    await fails(in_transaction(work()))


async def test_giving_back(server: PostgresServer) -> None:
    """A connection that is given back in a transaction: in bounded time, and the transaction is rolled back."""
    async with asyncio.timeout(BOUND):
        async with database.connection() as connection:
            async with await connection.cursor() as cursor:
                await cursor.execute("BEGIN")
                await cursor.execute("CREATE TABLE given_back ()")
                await cursor.execute("SELECT pg_backend_pid()")
                [backend] = await cursor.fetchone()
            server.freeze()
    server.thaw()

    async def ended() -> bool:
        return await answers() and await count(f"pid = {backend} AND xact_start IS NOT NULL") == 0

    await eventually(ended, within=BOUND, what="the server has ended the transaction")
    async with database.connection():
        assert await database.fetch_all("SELECT to_regclass('given_back')") == [(None,)]


async def test_server_side_cursor(server: PostgresServer) -> None:
    """The pages of a server-side cursor are bounded as well."""
    async with database.connection() as connection, async_atomic():
        cursor = await connection.chunked_cursor()
        await cursor.execute("SELECT generate_series(1, 1000)")
        assert len(await cursor.fetchmany(10)) == 10
        server.freeze()
        with pytest.raises(OperationalError, match="no answer"):
            async with asyncio.timeout(BOUND):
                await cursor.fetchmany(10)
        connection.set_rollback(True)


@pytest.mark.parametrize("concurrent", [1, 20])
async def test_requests(
    server: PostgresServer,
    make_client: Callable[..., httpx.AsyncClient],
    monkeypatch: pytest.MonkeyPatch,
    concurrent: int,
) -> None:
    """Requests are 503, one and twenty at once, with idle connections in the pool; a start too, but it stays ready."""
    monkeypatch.setattr(health._Startup, "succeeded", False)
    await pids()
    client = make_client(application, headers={"Authorization": "Bearer a-token-to-look-up"})
    server.freeze()
    async with asyncio.timeout(BOUND):
        paths = ["/health/startup", "/api/users/"] * ((concurrent + 1) // 2)
        responses = await asyncio.gather(*(client.get(path) for path in paths[:concurrent]))
    assert {response.status_code for response in responses} == {503}
    assert responses[0].json() == {"error": "Database unavailable"}
    # An orchestrator brings no token, which would be looked up.
    assert (await make_client(application).get("/health/ready")).status_code == 200


@each_way
async def test_ping(server: PostgresServer, freeze: Freeze) -> None:
    """The sampler of `millrace_database_up` has its answer in bounded time, and leaves the pool as it was."""
    await database.ping()
    await pids()
    freeze(server)
    async with asyncio.timeout(BOUND):
        with pytest.raises((OperationalError, TimeoutError)):
            await database.ping()


async def test_nothing_in_the_pool(server: PostgresServer) -> None:
    """Where a connection has yet to be made, it is bounded as well."""
    await async_connections["default"].close_pool()
    await database.release()
    server.freeze()
    async with asyncio.timeout(BOUND):
        assert not await answers()


@each_way
async def test_cancelled(server: PostgresServer, freeze: Freeze) -> None:
    """A task that is cancelled in the middle of a query does not wait for a server that is silent."""
    ready = asyncio.Barrier(POOL_MAX)

    async def ask() -> None:
        async with database.connection(deadline=60), async_atomic():
            await database.fetch_all("SELECT 1")
            await ready.wait()
            freeze(server)
            await database.fetch_all("SELECT 2")

    with count_queries() as sent:
        tasks = [asyncio.create_task(ask()) for _ in range(POOL_MAX)]
        await eventually(lambda: sent.count("SELECT 2") == POOL_MAX, what="all of them wait for the server")
    for task in tasks:
        task.cancel()
    done, _ = await asyncio.wait(tasks, timeout=BOUND)
    assert len(done) == POOL_MAX
    assert all(task.cancelled() for task in tasks)


async def test_cancelled_by_a_server_that_answers(server: PostgresServer) -> None:
    """The query of a cancelled task ends on the server, and its connection stays of use."""
    backend = 0

    async def ask() -> None:
        nonlocal backend
        async with database.connection(deadline=60):
            backend = (await database.fetch_all("SELECT pg_backend_pid()"))[0][0]
            await database.fetch_all("SELECT pg_sleep(60)")

    task = asyncio.create_task(ask())
    await eventually(query_runs, what="the query runs")
    task.cancel()
    await asyncio.wait([task], timeout=BOUND)
    assert task.cancelled()
    assert not await query_runs()
    # Its connection is one of the pool's again.
    assert backend in await pids()


async def query_runs() -> bool:
    """True if somebody sleeps on the server."""
    return await count("wait_event = 'PgSleep'") > 0


async def test_longer_deadline(server: PostgresServer) -> None:
    """A section may give its queries more time, and the next has the usual one again."""
    async with database.connection(deadline=30):
        await database.fetch_all("SELECT pg_sleep(0.8)")
    async with database.connection():
        with pytest.raises(OperationalError, match="no answer"):
            await database.fetch_all("SELECT pg_sleep(30)")


async def test_server_ends_what_nobody_waits_for(server: PostgresServer) -> None:
    """A backend that waits for a lock is gone soon after its client: it would take the lock for nothing."""
    async with database.connection(), async_atomic():
        await database.fetch_all("SELECT pg_advisory_xact_lock(7)")

        async def wait_for_lock() -> None:
            async with database.connection():
                await database.fetch_all("SELECT pg_advisory_xact_lock(7)")

        with pytest.raises(OperationalError):
            await asyncio.create_task(wait_for_lock())

        async def gone() -> bool:
            return await asyncio.create_task(count("wait_event_type = 'Lock'")) == 0

        await eventually(gone, within=BOUND, what="nobody waits for the lock")
