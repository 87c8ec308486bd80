"""The tutorial on asynchronous Django, example by example: the table in `docs/tour.md` has a row for each test here.

Short on purpose: each test shows one example at work. What else must hold is tested beside the code that does it.
The examples 18, 19, 20 and 22 are the realtime service's, in its own `test_tutorial.py`.
"""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.core.exceptions import SynchronousOnlyOperation
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path

from accounts.models import User
from api import urls
from api.asgi import application
from api.orm.schemas import MethodReport
from api.tour import blocked
from api.tour.surroundings import look_around
from chassis.database import async_connections, fetch_all
from chassis.errors import json_response
from rooms.models import Room
from testing.database import count_queries, in_scope
from testing.people import bearer, make_user

from .aborting import AbortableRequest
from .test_middleware_async import HybridMiddleware, SyncMiddleware, not_async
from .test_stream import Stream
from .upstream import Upstream

PASSWORD = "correct horse battery staple"


class Held:
    """What a synchronous view waits for."""

    begun = threading.Event()
    over = threading.Event()


def hold(request: HttpRequest) -> HttpResponse:
    """Block this request's thread."""
    Held.begun.set()
    Held.over.wait(30)
    return HttpResponse("over")


async def session_data(request: HttpRequest) -> HttpResponse:
    """Three synchronous functions called from one async view: the thread of each, and what the session has."""

    def plain() -> int:
        return threading.get_ident()

    def read() -> tuple[int, Any]:
        return threading.get_ident(), request.session.get(SESSION_KEY)

    thread, user_id = await sync_to_async(read)()
    threads = {await sync_to_async(plain)(), await sync_to_async(plain, thread_sensitive=True)(), thread}
    return json_response({"threads": len(threads), "user_id": user_id})


urlpatterns = [path("hold/", hold), path("session/", session_data), *urls.urlpatterns]
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def own_views(settings: Any) -> None:
    """The views of this module beside those of the api."""
    settings.ROOT_URLCONF = __name__


async def test_01_asgi_application(client: httpx.AsyncClient) -> None:
    """One application object with its settings, which any ASGI server can serve; three are tried in `test_tour.py`."""
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "api.settings"
    assert callable(application)
    # The client calls it as a server does, with a scope, `receive` and `send`.
    assert (await client.get("/api/items/")).json() == {"items": [1, 2, 3]}


async def test_02_sync_or_async_context() -> None:
    """A function finds out whether a loop runs where it is called: not on a thread."""
    assert look_around().event_loop_running
    assert not (await sync_to_async(look_around)()).event_loop_running
    assert not (await asyncio.to_thread(look_around)).event_loop_running


async def test_03_async_function_view(client: httpx.AsyncClient) -> None:
    """Twelve requests wait at once: one after the other they would need 36 seconds."""
    async with asyncio.timeout(30):
        responses = await asyncio.gather(*(client.get("/api/async/?delay=3") for _ in range(12)))
    assert {response.status_code for response in responses} == {200}
    assert responses[0].json() == {"message": "Hello from async view!"}


async def test_04_several_upstreams_at_once(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """Users, products and orders are in flight at the same time, and come in one answer."""
    await upstream.fault(**{name: {"hang_rate": 1} for name in ("users", "products", "orders")})
    hanging = AbortableRequest(application, "/api/external/gather/")
    await upstream.reaches(in_flight=3)
    hanging.leave()
    await hanging.finished()
    await upstream.reset()
    assert (await client.get("/api/external/gather/")).json().keys() == {"users", "products", "orders"}


async def test_05_sync_view(client: httpx.AsyncClient, own_views: None) -> None:
    """A synchronous view blocks its own thread and nothing else."""
    assert (await client.get("/api/sync/?delay=0.01")).json() == {"message": "Hello from sync view!"}
    Held.begun.clear()
    Held.over.clear()
    held = asyncio.create_task(client.get("/hold/"))
    try:
        assert await asyncio.to_thread(Held.begun.wait, 30)
        assert (await client.get("/api/async/?delay=0")).status_code == 200
        assert not held.done()
    finally:
        Held.over.set()
    assert (await held).text == "over"


async def test_06_class_based_async_view(client: httpx.AsyncClient) -> None:
    """`get` and `post` are coroutines; other methods are 405, what is not JSON is 400."""
    assert (await client.get("/api/items/")).json() == {"items": [1, 2, 3]}
    created = await client.post("/api/items/", json={"name": "new"})
    assert (created.status_code, created.json()) == (201, {"processed": {"name": "new"}})
    assert (await client.put("/api/items/")).status_code == 405
    assert (await client.post("/api/items/", content=b"{")).status_code == 400


async def test_07_mixin_over_the_sync_orm(user_client: httpx.AsyncClient, user: User) -> None:
    """One object through `sync_to_async`; an unknown id is 404."""
    shown = (await user_client.get(f"/api/users/{user.pk}/detail/")).json()
    assert (shown["id"], shown["username"], shown["email"]) == (user.pk, "ada", "ada@example.org")
    missing = await user_client.get("/api/users/999999/detail/")
    assert (missing.status_code, missing.json()) == (404, {"error": "User not found"})


async def test_08_async_orm(client: httpx.AsyncClient) -> None:
    """Each async method of the ORM by itself, with its SQL."""
    reports = (await client.get("/api/orm/")).json()
    assert {name for report in reports for name in report} == set(MethodReport.__struct_fields__)
    shown = {report["method"]: report["sql"] for report in reports if report["backend"] == "async"}
    named = {"aget", "aget_or_create", "aupdate_or_create", "aexists", "acount", "afirst", "alast", "async for"}
    assert named <= set(shown)
    assert all(shown[name] for name in named)


async def test_09_async_iteration(user: User) -> None:
    """The active users, collected by `async for`; `test_export_memory.py` holds that many rows need little memory."""
    await make_user("gone", is_active=False)

    async def active() -> list[str]:
        return [user.username async for user in User.async_objects.filter(is_active=True)]

    assert await in_scope(active()) == ["ada"]


async def test_10_pages(user_client: httpx.AsyncClient) -> None:
    """A slice and a count; bounds on both parameters."""
    for name in ("bob", "cat"):
        await make_user(name)
    page = (await user_client.get("/api/users/?page=2&per_page=2")).json()
    assert ([user["username"] for user in page["users"]], page["page"], page["per_page"], page["total"]) == (
        ["cat"], 2, 2, 3,
    )  # fmt: skip
    for query in ("page=0", "per_page=0", "per_page=1000000", "page=x"):
        assert (await user_client.get(f"/api/users/?{query}")).status_code == 400


async def test_11_create_update_delete(staff_client: httpx.AsyncClient) -> None:
    """201 with the id, a changed email, `deleted`; 404 once there is nothing left to match."""
    created = await staff_client.post("/api/users/", json={"username": "new", "password": PASSWORD})
    assert (created.status_code, created.json()["username"]) == (201, "new")
    url = f"/api/users/{created.json()['id']}/"
    assert (await staff_client.patch(url, json={"email": "new@example.net"})).json()["email"] == "new@example.net"
    assert (await staff_client.delete(url)).json() == {"deleted": True}
    assert [(await staff_client.request(method, url)).status_code for method in ("GET", "DELETE")] == [404, 404]


async def test_12_sync_to_async(
    client: httpx.AsyncClient, clean_redis: Any, user: User, executor_work: Counter[str]
) -> None:
    """Signing in; the password is hashed on a thread, off the loop."""
    await in_scope(User.async_objects.filter(pk=user.pk).aupdate(password=make_password(PASSWORD)))
    executor_work.clear()
    good = await client.post("/api/login/", json={"username": "ada", "password": PASSWORD})
    assert (good.status_code, good.json()["authenticated"], good.json()["user_id"]) == (200, True, user.pk)
    bad = await client.post("/api/login/", json={"username": "ada", "password": "wrong"})
    assert (bad.status_code, bad.json()["authenticated"]) == (401, False)
    assert executor_work["argon2"] == 2


async def test_13_async_to_sync(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """A synchronous view calls a coroutine, which calls an upstream by the client of the same loop."""
    response = await client.get("/api/external/sync/")
    assert (response.status_code, response.json()["via"]) == (200, "async_to_sync")
    assert (await client.get("/api/external/")).status_code == 200
    assert (await upstream.counters())["requests"] == 2


async def test_14_thread_sensitivity(session_client: httpx.AsyncClient, user: User, own_views: None) -> None:
    """All synchronous calls of a request share one thread, and with it one connection."""
    assert (await session_client.get("/session/")).json() == {"threads": 1, "user_id": str(user.pk)}


async def test_15_timing_middleware(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Every answer says how long it took, in a header and in the log."""
    response = await client.get("/api/async/?delay=0.01")
    assert float(response.headers["X-Request-Duration"]) >= 0.01
    events = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    (line,) = [event for event in events if event["event"] == "http.request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/async/", 200)
    assert line["ms"] >= 10
    assert not_async(django_settings.MIDDLEWARE) == []


async def test_16_auth_middleware(client: httpx.AsyncClient, user: User) -> None:
    """Public paths pass; elsewhere a Bearer token is asked for, and judged by one query."""
    assert (await client.get("/api/items/")).status_code == 200
    missing = await client.get("/api/me/")
    assert (missing.status_code, missing.json()) == (401, {"error": "Unauthorized"})
    wrong = await client.get("/api/me/", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "Invalid token"})
    headers = await bearer(user)
    with count_queries() as queries:
        assert (await client.get("/api/me/", headers=headers)).json()["username"] == "ada"
    assert len(queries) == 1


def test_17_registration() -> None:
    """Ours stand in the place of Django's middleware; messages belong to the admin, which brings its own."""
    assert django_settings.MIDDLEWARE[:5] == [
        "chassis.middleware.security.SecurityHeadersMiddleware",
        "chassis.middleware.request.RequestMiddleware",
        "accounts.middleware.SessionMiddleware",
        "accounts.middleware.AuthenticationMiddleware",
        "chassis.middleware.csrf.CsrfMiddleware",
    ]


@pytest.mark.parametrize("way", ["notify", "notify/sync"])
async def test_20_sending_from_views(user_client: httpx.AsyncClient, user: User, way: str) -> None:
    """A notice from an async and from a synchronous view reaches those who are in the room."""
    await in_scope(Room.async_objects.acreate(name="lobby", title="Lobby"))
    stream = Stream("/api/rooms/lobby/events/", await bearer(user))
    await stream.events_until("synced")
    sent = await user_client.post(f"/api/rooms/lobby/{way}/", json={"notice": "tea"})
    assert (sent.status_code, sent.json()) == (200, {"sent": True})
    assert (await stream.events_until("notice"))[-1][2] == {"type": "notice", "notice": "tea"}
    stream.leave()


@pytest.fixture
def django_client() -> Iterator[AsyncClient]:
    """Django's own client. After each request it connects a synchronous receiver, which our handler goes without."""
    yield AsyncClient()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)


async def test_21_tests_of_views(process: None, django_client: AsyncClient, staff: User) -> None:
    """Django's own client for tests works on async views."""
    greeted = await in_scope(django_client.get("/api/async/?delay=0.01"))
    assert (greeted.status_code, greeted.json()) == (200, {"message": "Hello from async view!"})
    body = {"username": "testuser", "password": PASSWORD}
    headers = await bearer(staff)
    posting = django_client.post("/api/users/", body, content_type="application/json", headers=headers)
    created = await in_scope(posting)
    assert (created.status_code, created.json()["username"]) == (201, "testuser")


async def test_23_do_not_block(process: None, settings: Any) -> None:
    """The cost of the mistake, measured: a second request waits for a first one that blocks the loop."""
    settings.ROOT_URLCONF = blocked.__name__
    settings.ALLOWED_HOSTS = ["localhost"]
    measured = await blocked.measure(rounds=1)
    assert measured["time.sleep in an async view"] >= blocked.SECONDS * 1000


async def test_24_connection_pooling(database: None) -> None:
    """Fifty queries at once share the pool's few connections, each of which is checked before it is used."""
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.01)") for _ in range(50)))
    pool = async_connections["default"].pool
    assert 1 <= pool.get_stats()["pool_size"] <= pool.max_size == django_settings.DATABASE_POOL_MAX
    assert django_settings.DATABASES["default"]["CONN_HEALTH_CHECKS"]


async def test_25_error_handling(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """What was expected is told to the client; of what was not, only the log has the traceback."""
    expected = await client.get("/api/robust/?fail=expected")
    assert (expected.status_code, expected.json()) == (400, {"error": "This failure was expected"})
    unexpected = await client.get("/api/robust/?fail=unexpected")
    assert (unexpected.status_code, unexpected.json()) == (500, {"error": "Internal server error"})
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


def rules_broken(source: str) -> set[str]:
    """The rules of ruff, with the project's own settings, that a file of the api would break."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--stdin-filename", __file__, "-"]
    ran = subprocess.run(command, input=source, capture_output=True, text=True, check=False, timeout=50)
    return {word for line in ran.stdout.splitlines() for word in line.split() if word.startswith("ASYNC")}


async def test_26_five_mistakes(database: None) -> None:
    """Each is refused by Django, or found by a rule or a check; `test_tour_mistakes.py` makes them in views."""
    with pytest.raises(RuntimeError, match="just await the async function directly"):
        async_to_sync(asyncio.sleep)(0)
    assert rules_broken("import time\n\n\nasync def view():\n    time.sleep(1)\n") == {"ASYNC251"}
    with pytest.raises(SynchronousOnlyOperation):
        User.objects.count()
    here = await sync_to_async(threading.get_ident)()
    assert here == await sync_to_async(threading.get_ident)()
    assert here != await sync_to_async(threading.get_ident, thread_sensitive=False)()
    wrong = [f"{kind.__module__}.{kind.__name__}" for kind in (SyncMiddleware, HybridMiddleware)]
    assert not_async([*django_settings.MIDDLEWARE, *wrong]) == wrong
