"""One statement on a connection of the pool, and queries that the ORM writes once."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, IntegrityError, ProgrammingError
from django.db.models import BigIntegerField, CharField, Count, DateTimeField, JSONField, Value
from django.utils import timezone
from django_async_backend.db.transaction import async_atomic
from psycopg_pool import AsyncConnectionPool

from chassis import database
from chassis.database.prepared import Param, Prepared, columns, instance
from chassis.database.waiting import BoundedPool
from testing.database import connections_in_use, count_queries
from testing.waiting import eventually

ADDRESS = urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()

pytestmark = pytest.mark.usefixtures("database", "process")


async def backend() -> int:
    """The server's process that answers."""
    return int((await database.fetch_all("SELECT pg_backend_pid()"))[0][0])


async def test_statement_holds_no_connection() -> None:
    """The connection goes back with the rows, with no section around the statement."""
    await database.fetch_all("SELECT 1")
    assert connections_in_use() == 0


async def test_connection_goes_back_after_a_cancellation() -> None:
    """Also where whoever waits for the rows goes away."""
    task = asyncio.create_task(database.fetch_all("SELECT pg_sleep(30)"))
    await eventually(lambda: connections_in_use() == 1)
    task.cancel()
    await asyncio.wait({task})
    # A server that is too busy to stop the query loses the connection, and the pool replaces it in the background.
    await eventually(lambda: connections_in_use() == 0, what="the connection, or its successor, is back")


async def test_own_transaction() -> None:
    """In a transaction the statement is part of it, and takes no second connection."""
    async with database.connection():
        try:
            async with async_atomic():
                await database.fetch_all("CREATE TEMPORARY TABLE probe (n int)")
                assert connections_in_use() == 1
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        with pytest.raises(ProgrammingError):
            await database.fetch_all("SELECT n FROM probe")


async def test_tasks_inside_a_section_do_not_share_its_connection() -> None:
    """A task started in a section runs its statements elsewhere."""
    async with database.connection():
        own = await backend()
        assert await asyncio.create_task(backend()) != own
        assert await backend() == own


async def test_errors_are_djangos() -> None:
    """A violated constraint is the error that code expects of Django."""
    statement = "INSERT INTO django_content_type (app_label, model) VALUES ('a', 'b')"
    try:
        await database.fetch_all(statement)
        with pytest.raises(IntegrityError):
            await database.fetch_all(statement)
    finally:
        await database.fetch_all("DELETE FROM django_content_type WHERE app_label = 'a'")


@pytest_asyncio.fixture
async def pool_of_one() -> AsyncIterator[BoundedPool]:
    """A pool with one connection, which it looks at before it gives it away."""
    pool = BoundedPool(ADDRESS, min_size=1, max_size=1, check=BoundedPool.look_at, open=False)
    await pool.open(wait=True)
    yield pool
    await pool.close()


async def served(pool: BoundedPool, statement: LiteralString = "SELECT 1") -> int:
    """The server's process behind the pool's connection, after it has run `statement`."""
    async with pool.connection() as connection:
        await connection.execute(statement)
        pid: int = connection.info.backend_pid
        return pid


async def test_connection_goes_back_after_an_error(pool_of_one: BoundedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the statement fails, and the connection is of use to the next one."""
    # The process's own pool may have several, and lends them in turn.
    monkeypatch.setattr(BoundedPool, "process", pool_of_one)
    before = await backend()
    with pytest.raises(ProgrammingError):
        await database.fetch_all("SELECT nothing FROM nowhere")
    assert pool_of_one.get_stats()["pool_available"] == 1
    assert await backend() == before


async def test_closed_by_the_server(pool_of_one: BoundedPool) -> None:
    """A connection that its server closed while it was idle is replaced before anybody is given it."""
    gone = await served(pool_of_one)
    await database.fetch_all("SELECT pg_terminate_backend(%s::int)", (gone,))

    async def has_ended() -> bool:
        return not await database.fetch_all("SELECT 1 FROM pg_stat_activity WHERE pid = %s::int", (gone,))

    await eventually(has_ended, what="the server's process has ended")
    assert await served(pool_of_one) != gone


async def test_notice_does_not_cost_the_connection(pool_of_one: BoundedPool) -> None:
    """Something that the server says unasked is not the end of a connection."""
    before = await served(pool_of_one, "LISTEN probe")
    async with await psycopg.AsyncConnection.connect(ADDRESS, autocommit=True) as other:
        await other.execute("NOTIFY probe")
    assert await served(pool_of_one) == before


async def test_healthy_connection_is_not_asked(pool_of_one: BoundedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at a healthy connection costs no round trip."""
    asked: list[int] = []

    async def record(connection: Any) -> None:
        asked.append(1)

    monkeypatch.setattr(AsyncConnectionPool, "check_connection", record)
    await served(pool_of_one)
    assert asked == []


async def test_prepared_on_the_server() -> None:
    """A statement that a connection runs often is parsed once."""
    async with database.connection():
        for number in range(7):
            await database.fetch_all("SELECT %s::int + 1000", (number,))
        rows = await database.fetch_all("SELECT statement FROM pg_prepared_statements")
    assert [statement for (statement,) in rows if "+ 1000" in statement] == ["SELECT $1::int + 1000"]


async def test_query_is_written_once() -> None:
    """The ORM is asked for its SQL the first time only; values are sent, not pasted."""
    built: list[int] = []

    def queryset() -> Any:
        built.append(1)
        return ContentType.objects.filter(app_label=Param("app", CharField())).values_list("model").order_by("model")

    query = Prepared(queryset)
    with count_queries() as sent:
        mine, others = await query.fetch_all(app="accounts"), await query.fetch_all(app="rooms'; --")
    assert (len(built), len(sent), len(set(sent))) == (1, 2, 1)
    assert ("user",) in mine
    assert others == []


async def test_rows_become_instances() -> None:
    """What the ORM would have loaded, from the same columns."""
    query = Prepared(lambda: ContentType.objects.order_by("id").values_list(*columns(ContentType)))
    loaded = [instance(ContentType, row) for row in await query.fetch_all()]
    assert "user" in [each.model for each in loaded]
    assert not loaded[0]._state.adding


async def test_suffix_takes_values() -> None:
    """A limit that is known when the query runs."""
    query = Prepared(lambda: ContentType.objects.order_by("id").values_list("id"), " LIMIT %s OFFSET %s")
    everything = await query.fetch_all(100, 0)
    assert await query.fetch_all(2, 1) == everything[1:3]


async def test_columns_that_python_has_otherwise() -> None:
    """A column whose field converts what the database returns is converted."""
    query = Prepared(lambda: ContentType.objects.values_list(Value({"a": 1}, JSONField()), Count("id")))
    assert (await query.fetch_all())[0] == ({"a": 1}, 1)


async def test_values_are_typed() -> None:
    """A value of another type than the column's is refused by the field or by the server, not compared as text."""
    query = Prepared(lambda: ContentType.objects.filter(id=Param("id", BigIntegerField())).values_list("id"))
    with pytest.raises((ValueError, DatabaseError)):
        await query.fetch_all(id="one")
    later = Prepared(lambda: ContentType.objects.values_list(Param("now", DateTimeField()))[:1])
    now = timezone.now()
    assert await later.fetch_all(now=now) == [(now,)]
