"""`/api/orm/`: every async ORM method, and nothing left behind."""

import asyncio
import threading
import time
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.models import User
from api import urls
from api.asgi import application
from api.orm import showcase
from api.orm.async_calls import ASYNC_CALLS
from api.orm.calls import Call, Demo
from api.orm.stock_calls import STOCK_CALLS
from chassis import database as db
from chassis.errors import json_response
from testing.waiting import eventually

from .aborting import AbortableRequest

# How many statements each method runs; an ORM release that changes one of these is worth knowing about.
ASYNC_STATEMENTS = {
    **dict.fromkeys(("acreate", "abulk_create", "abulk_update", "aupdate", "async_save", "aget", "aexists"), 1),
    **dict.fromkeys(
        ("acount", "afirst", "alast", "aearliest", "alatest", "acontains", "ain_bulk", "aaggregate", "async for"), 1
    ),
    **dict.fromkeys(("values", "values_list", "slice", "select_related", "annotate", "Exists", "union"), 1),
    **dict.fromkeys(("distinct", "select_for_update", "aexplain", "adelete"), 1),
    "aget_or_create": 4,
    "aupdate_or_create": 4,
    "async_atomic": 3,
    "async_delete": 3,
}
STOCK_STATEMENTS = {
    **dict.fromkeys(("asave", "arefresh_from_db", "aiterator", "raw", "sync_to_async", "related.acreate"), 1),
    **dict.fromkeys(("acreate", "aprefetch_related_objects", "related.aremove", "related.aclear"), 2),
    **dict.fromkeys(("prefetch_related", "related.aadd", "adelete"), 3),
    "related.aget_or_create": 1,
    "related.aset": 5,
}


REST_MS = 100


class Hold:
    """Lets a test stop a request in the middle of its transaction."""

    reached = threading.Event()
    released = threading.Event()


async def hold_async(demo: Demo) -> None:
    """Wait on the event loop until the client leaves."""
    Hold.reached.set()
    await asyncio.Event().wait()


async def hold_on_lane(demo: Demo) -> None:
    """Wait on the request's thread, where no cancellation reaches, until the test says so."""

    def block() -> None:
        Hold.reached.set()
        Hold.released.wait(30)

    await sync_to_async(block)()


async def fail(demo: Demo) -> None:
    """A statement that the database refuses."""
    await User.async_objects.acreate(pk=demo.user.pk, username="again")


async def fail_stock(demo: Demo) -> None:
    """The same on the synchronous connection."""
    await User.objects.acreate(pk=demo.user.pk, username="again")


async def rest(demo: Demo) -> None:
    """A statement that takes `REST_MS`."""
    await db.fetch_all("SELECT pg_sleep(%s::float8 / 1000)", (REST_MS,))


EXTRA = {"async": {"hold": hold_async, "fail": fail, "rest": rest}, "stock": {"hold": hold_on_lane, "fail": fail_stock}}


async def showcase_and(request: HttpRequest, backend: str, what: str) -> HttpResponse:
    """The showcase with one more call at the end of one of its transactions."""
    calls = {"async": [*ASYNC_CALLS], "stock": [*STOCK_CALLS]}
    # Only the first before it, so that the row which the failing call collides with is still there.
    calls[backend] = [calls[backend][0], Call(what, "async", "", EXTRA[backend][what])]
    return json_response(await showcase.run(calls["async"], calls["stock"]))


urlpatterns = [path("orm/<str:backend>/<str:what>/", showcase_and), *urls.urlpatterns]


async def row_counts() -> dict[str, int]:
    """The number of rows of every table."""
    async with db.connection():
        tables = [row[0] for row in await db.fetch_all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {table: (await db.fetch_all(f'SELECT count(*) FROM "{table}"'))[0][0] for table in tables}  # noqa: S608 - names from the catalogue


async def test_every_method(client: httpx.AsyncClient) -> None:
    """Each method with its source, its statements, its outcome and its time."""
    response = await client.get("/api/orm/")
    reports = response.json()
    assert response.status_code == 200
    found = {
        backend: {report["method"]: len(report["sql"]) for report in reports if report["backend"] == backend}
        for backend in ("async", "stock")
    }
    assert found == {"async": ASYNC_STATEMENTS, "stock": STOCK_STATEMENTS}
    assert all(isinstance(report["ms"], float) and report["call"] for report in reports)


async def test_outcomes(client: httpx.AsyncClient) -> None:
    """`rows` counts rows, or is the value where a method gives one."""
    reports = {report["method"]: report for report in (await client.get("/api/orm/")).json()}
    expected = {
        "aexists": True,
        "acount": 3,
        "aaggregate": {"messages": 3, "newest": 3},
        "ain_bulk": 1,
        "related.aclear": 0,
    }
    assert {name: reports[name]["rows"] for name in expected} == expected
    assert "rooms_message" in reports["aexplain"]["rows"]


async def test_source_is_what_ran(client: httpx.AsyncClient) -> None:
    """The call is shown as it is written, and its SQL with its values."""
    reports = {report["method"]: report for report in (await client.get("/api/orm/")).json()}
    assert reports["aget"]["call"] == "await User.async_objects.aget(username=demo.name)"
    assert reports["asave"]["call"] == "demo.room.title = 'The ORM'\nawait demo.room.asave(update_fields=['title'])"
    (sql,) = reports["aget"]["sql"]
    assert sql.startswith("SELECT ")
    assert "'orm_" in sql


async def test_leaves_nothing(client: httpx.AsyncClient, user: User) -> None:
    """All tables hold afterwards what they held before."""
    before = await row_counts()
    assert (await client.get("/api/orm/")).status_code == 200
    assert await row_counts() == before


async def test_shows_nobody_else(client: httpx.AsyncClient, user: User) -> None:
    """No value of a stored row appears in the report."""
    # Not the name: three letters may be part of any id.
    assert user.email not in (await client.get("/api/orm/")).text


async def test_concurrent_requests(client: httpx.AsyncClient) -> None:
    """Requests do not wait for each other's rows."""
    before = await row_counts()
    responses = await asyncio.gather(*(client.get("/api/orm/") for _ in range(6)))
    assert [response.status_code for response in responses] == [200] * 6
    assert await row_counts() == before


@pytest.mark.parametrize("backend", ["async", "stock"])
async def test_failing_method(client: httpx.AsyncClient, settings: Any, backend: str) -> None:
    """A method that fails is a 500 that leaves nothing, and the connection serves the next request."""
    settings.ROOT_URLCONF = __name__
    before = await row_counts()
    assert (await client.get(f"/orm/{backend}/fail/")).status_code == 500
    assert await row_counts() == before
    assert (await client.get("/api/orm/")).status_code == 200


@pytest.mark.parametrize("backend", ["async", "stock"])
async def test_client_leaves(client: httpx.AsyncClient, settings: Any, backend: str) -> None:
    """A client that leaves in the middle leaves nothing, also where a thread only notices later."""
    settings.ROOT_URLCONF = __name__
    Hold.reached.clear()
    Hold.released.clear()
    before = await row_counts()
    request = AbortableRequest(application, f"/orm/{backend}/hold/")
    await eventually(Hold.reached.is_set, what="the transaction is open")
    request.leave()
    # A request after it: by its end the loop has told the first one of its cancellation, its thread still busy.
    assert (await client.get("/api/orm/")).status_code == 200
    Hold.released.set()
    await request.finished()
    assert await row_counts() == before
    # Once for each thread: none of them still has the transaction open.
    for response in await asyncio.gather(*(client.get("/api/orm/") for _ in range(6))):
        assert response.status_code == 200
    assert await row_counts() == before


async def test_times(client: httpx.AsyncClient, settings: Any) -> None:
    """`ms` is what the call takes, in milliseconds: all of a slow one, and together no more than the request."""
    settings.ROOT_URLCONF = __name__
    started = time.perf_counter()
    reports = (await client.get("/orm/async/rest/")).json()
    elapsed = (time.perf_counter() - started) * 1000
    [slow] = [report["ms"] for report in reports if report["method"] == "rest"]
    assert slow >= REST_MS
    assert all(report["ms"] > 0 for report in reports)
    assert sum(report["ms"] for report in reports) < elapsed
