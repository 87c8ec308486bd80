"""Fixtures that the suites of both services share: a real database, a real Redis, a real client, and no blocking calls.

Used as a plugin (`pytest_plugins = ["chassis.testing"]`). `DATABASE_URL` and `REDIS_URL` must lead to running servers;
`make test` starts them. Tests commit for real, and every test that asked for `database` leaves all tables empty. The
numbers of rows go on: a late event about user 7 of one test concerns no user of the next test.

PYTEST_DONT_REWRITE: conftest files import names from here, which is before pytest could rewrite it.
"""

import asyncio
import contextlib
import errno
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import SystemRandom
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import psycopg
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from blockbuster import BlockBuster, blockbuster_ctx
from django.db import close_old_connections, connections
from django.test.utils import setup_databases, teardown_databases
from django_async_backend.db import async_connections
from django_async_backend.db.backends.utils import AsyncCursorWrapper

from async_handler.types import ASGIApplication
from chassis import database as db
from chassis import http_client, lifespan, redis
from chassis.bus.publish import _pending as pending_events
from chassis.database import statements, usage
from chassis.database.options import POOL_TIMEOUT
from pubsub_layer import connection as subscriber

KEEP = ("django_migrations", "django_content_type", "auth_permission")
# Seconds for what must happen, on a machine that is busy: half of what a test may take.
DEADLINE = 30
# More rows than that are quicker truncated than deleted, which for few rows takes a hundredth of the time.
_MANY_ROWS = 500


@pytest.fixture(scope="session")
def _test_database(django_test_environment: None, django_db_blocker: Any, django_db_keepdb: bool) -> Iterator[None]:
    # pytest-django's own set-up makes databases only for tests with its marker, which wraps each test in a synchronous
    # transaction; without it, our tests would run on, and empty, the database that DATABASE_URL names.
    with django_db_blocker.unblock():
        config = setup_databases(verbosity=0, interactive=False, aliases={"default": False}, keepdb=django_db_keepdb)
        yield
        connections["default"].close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL wrapper
        teardown_databases(config, verbosity=0, keepdb=django_db_keepdb)


@pytest_asyncio.fixture(scope="session")
async def _pool(_test_database: None) -> AsyncIterator[None]:
    """The pool is closed before its database is dropped, also where no test entered the service's lifespan.

    Whoever needs a connection may wait for one as long as a busy machine needs; tests of a full pool say otherwise.
    """
    with pool_timeout(DEADLINE):
        async with db.pool():
            yield


@contextlib.contextmanager
def pool_timeout(seconds: float) -> Iterator[None]:
    """A pool that is made within the block has whoever needs a connection wait so long for one."""
    # Of the settings: a connection that is made here would be that of every task that starts later.
    options = async_connections.settings["default"]["OPTIONS"]["pool"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(options, "timeout", seconds)
        yield


@contextlib.asynccontextmanager
async def database_away() -> AsyncIterator[None]:
    """The pool is pointed at a port where nobody listens, as if PostgreSQL had died."""
    wrapper = async_connections["default"]
    await wrapper.close_pool()
    with pool_timeout(POOL_TIMEOUT), pytest.MonkeyPatch.context() as patch:
        patch.setitem(wrapper.settings_dict, "PORT", 1)
        yield
        await wrapper.close_pool()


def connections_in_use() -> int:
    """How many of the pool's connections some task of this process holds."""
    stats = async_connections["default"].pool.get_stats()
    return int(stats.get("pool_size", 0) - stats.get("pool_available", 0))


@pytest_asyncio.fixture
async def database(_pool: None, settings: Any) -> AsyncIterator[None]:
    """PostgreSQL with all migrations applied and no rows; emptied after the test, which must leak no connection."""
    settings.DATABASE_QUERY_TIMEOUT = DEADLINE
    yield
    await eventually(lambda: connections_in_use() == 0, what="every connection is back in the pool")
    # What a test published soon is on the bus before the next test listens to a group of the same name.
    await eventually(lambda: not pending_events, what="everything is published")
    async with db.connection(deadline=DEADLINE) as connection:
        await connection.ensure_connection()
        await _empty(connection.connection)


async def _empty(connection: "psycopg.AsyncConnection[Any]") -> None:
    cursor = psycopg.AsyncCursor(connection)
    await cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    names = [f'"{table}"' for (table,) in await cursor.fetchall() if table not in KEEP]
    probes = (f"(SELECT 1 FROM {name} OFFSET {_MANY_ROWS} LIMIT 1)" for name in names)  # noqa: S608 - of the catalogue
    await cursor.execute(" UNION ALL ".join(probes))
    if await cursor.fetchone() is None:
        # In one transaction: Django's foreign keys are looked at when it ends, so the order does not matter.
        deletions = (f"DELETE FROM {name}" for name in names)  # noqa: S608 - of the catalogue
        await cursor.execute("; ".join(deletions), prepare=False)
    else:
        await cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE", prepare=False)


@pytest_asyncio.fixture
async def clean_redis() -> AsyncIterator[Any]:
    """An empty Redis database, emptied again after the test; yields the client."""
    client = redis.client()
    await client.flushdb()
    yield client
    await client.flushdb()


@pytest_asyncio.fixture(scope="session")
async def process(_pool: None) -> AsyncIterator[None]:
    """The service's lifespan, entered once for the whole run as in a real process.

    But for the sampler of the pool: its connections and queries would be counted by tests that count their own. And
    the HTTP client waits for a connection as long as a busy machine may need, and the bus for the answer to a ping:
    what it has lost makes each hub ask who may stay, which such tests would count too.
    """
    with pytest.MonkeyPatch.context() as patch:
        patient = aiohttp.ClientTimeout(total=None, connect=DEADLINE, sock_connect=DEADLINE)
        patch.setattr(http_client, "_TIMEOUT", patient)
        patch.setattr(subscriber, "PING_INTERVAL", DEADLINE)
        others = [each for each in lifespan._state.resources if each is not usage.watched]  # noqa: SLF001
        patch.setattr(lifespan._state, "resources", others)  # noqa: SLF001
        async with lifespan.running():
            yield


@pytest.fixture
def make_client(process: None) -> Callable[[ASGIApplication], httpx.AsyncClient]:
    """Makes HTTP clients that drive an ASGI application in this process, through all of its middleware."""

    def make(application: ASGIApplication, **options: Any) -> httpx.AsyncClient:
        # A process that does not know that it runs opens everything a second time with its next request.
        if not lifespan.is_running():
            pytest.fail("an earlier test has stopped this process")
        transport = httpx.ASGITransport(app=application)
        return httpx.AsyncClient(transport=transport, base_url="http://testserver", **options)

    return make


@pytest.fixture
def no_blocking() -> Iterator[BlockBuster]:
    """Any call that would block the event loop (sleep, sockets, files, locks) raises `blockbuster.BlockingError`."""
    with blockbuster_ctx() as detector:
        yield detector


@pytest.fixture
def executor_work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each of the process's thread pools is given work from now on, by the prefix of its threads' names."""
    counts: Counter[str] = Counter()
    submit = ThreadPoolExecutor.submit

    def record(pool: ThreadPoolExecutor, *args: Any, **kwargs: Any) -> Any:
        counts[str(pool._thread_name_prefix)] += 1  # noqa: SLF001 - nothing else tells them apart
        return submit(pool, *args, **kwargs)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", record)
    return counts


@contextlib.contextmanager
def count_queries() -> Iterator[list[str]]:
    """The SQL of each statement on any async connection within the block, whoever sent it; not BEGIN and COMMIT."""
    sent: list[str] = []
    of_orm, of_statement = AsyncCursorWrapper.execute, statements._execute  # noqa: SLF001 - there is nothing in between

    async def record_orm(cursor: Any, sql: Any, params: Any = None) -> Any:
        sent.append(str(sql))
        return await of_orm(cursor, sql, params)

    async def record_statement(connection: Any, sql: str, params: tuple[Any, ...]) -> Any:
        sent.append(sql)
        return await of_statement(connection, sql, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncCursorWrapper, "execute", record_orm)
        patch.setattr(statements, "_execute", record_statement)
        yield sent


async def in_section[R](work: Awaitable[R]) -> R:
    """Await database work as a request would run it: its connection is given back at the end."""
    async with db.connection():
        return await work


async def in_thread[R](work: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Call synchronous database code as a sync view would: on a thread, with its connection given back at the end."""

    def call() -> R:
        try:
            return work(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(call)()


async def eventually(
    condition: Callable[[], Awaitable[bool] | bool], *, within: float = DEADLINE, what: str = ""
) -> None:
    """Wait until `condition` holds; fails the test after `within` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        outcome = condition()
        if await outcome if isinstance(outcome, Awaitable) else outcome:
            return
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"not within {within} s: {what or condition}")
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections: it is taken, so no other process can listen there meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def free_port() -> int:
    """A port for a server that takes one as a setting, free on IPv4 and IPv6.

    From below the range that the kernel hands out, so that nothing gets it before the server does.
    """
    while True:
        # Not the generator that is seeded for each test: two workers would choose the same.
        port = SystemRandom().randint(12_000, 30_000)
        if all(_is_free(port, *each) for each in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))):
            return port


def _is_free(port: int, family: socket.AddressFamily, host: str) -> bool:
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            # A machine without IPv6 has the port to itself.
            return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


class ResettingProxy:
    """A TCP proxy that resets its connections, as a network does that has lost them: an error, and no end of stream."""

    def __init__(self, target: str) -> None:
        self._url = urlsplit(target)
        self._pairs: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The URL of the target, by way of the proxy."""
        return self._url._replace(netloc=self._url.netloc.replace(str(self._url.port), str(self._port))).geturl()

    async def listen(self) -> None:
        """Accept and forward."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def reset(self) -> None:
        """Reset all connections; on loopback the other ends have received it when this returns."""
        tasks = set(self._pairs)
        writers = [writer for task in tasks for writer in self._pairs[task]]
        for task in tasks:
            for writer in self._pairs[task]:
                raw = writer.get_extra_info("socket")
                # The other side may have closed it meanwhile.
                with contextlib.suppress(OSError, AttributeError):
                    # Without lingering a close is a reset.
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for writer in writers:
            # A transport that was aborted closes its socket with the next turns of the loop.
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def refuse(self) -> None:
        """Reset all connections and accept none."""
        if self._server is not None:
            self._server.close()
        await self.reset()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        task = asyncio.create_task(self._forward(reader, writer, writers))
        self._pairs[task] = writers
        task.add_done_callback(self._pairs.pop)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, writers: list[asyncio.StreamWriter]
    ) -> None:
        try:
            answers, upstream = await asyncio.open_connection(self._url.hostname, self._url.port)
            writers.append(upstream)
            await asyncio.gather(_pass_on(reader, upstream), _pass_on(answers, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in writers:
                end.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (data := await reader.read(65536)) and not writer.is_closing():
        writer.write(data)
    writer.close()
