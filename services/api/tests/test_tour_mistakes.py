"""The common mistakes of asynchronous Django, each with what happens: see the table in `docs/tour.md`.

Blocking code in an async view is in `test_blocking.py`, incompatible middleware in `test_middleware_async.py`.
"""

import threading
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.models import User
from chassis.errors import json_response


async def answer() -> HttpResponse:
    """What an async function gives to whoever awaits it."""
    return HttpResponse("answered")


forgotten: list[Coroutine[Any, Any, HttpResponse]] = []


def unwrapped(request: HttpRequest) -> Any:
    """Mistake 1: a sync view calls a coroutine function and returns what it gets, a coroutine."""
    forgotten.append(answer())
    return forgotten[0]


def wrapped(request: HttpRequest) -> HttpResponse:
    """The same with the wrapper."""
    return async_to_sync(answer)()


async def wrapped_on_the_loop(request: HttpRequest) -> HttpResponse:
    """Mistake 1 the other way round: waiting synchronously on the thread that has to do the work."""
    return async_to_sync(answer)()


async def sync_orm(request: HttpRequest) -> HttpResponse:
    """Mistake 3: the synchronous ORM in an async view."""
    return json_response(User.objects.count())


def _seen() -> tuple[int, str]:
    return User.objects.filter(username="uncommitted").count(), threading.current_thread().name


def _seen_elsewhere() -> tuple[int, str]:
    try:
        return _seen()
    finally:
        # Nobody else gives this thread's connection back.
        connection.close()


async def thread_sensitivity(request: HttpRequest) -> HttpResponse:
    """Mistake 4: a transaction is open on this request's thread; what does a call see with and without it?"""
    atomic = transaction.atomic()

    def begin() -> None:
        atomic.__enter__()
        User.objects.create(username="uncommitted")

    def roll_back() -> None:
        transaction.set_rollback(True)
        atomic.__exit__(None, None, None)

    await sync_to_async(begin)()
    try:
        sensitive = await sync_to_async(_seen)()
        insensitive = await sync_to_async(_seen_elsewhere, thread_sensitive=False)()
    finally:
        await sync_to_async(roll_back)()
    return json_response({"sensitive": sensitive, "insensitive": insensitive})


urlpatterns = [
    path("unwrapped/", unwrapped),
    path("wrapped/", wrapped),
    path("wrapped-on-the-loop/", wrapped_on_the_loop),
    path("sync-orm/", sync_orm),
    path("thread-sensitivity/", thread_sensitivity),
]
handler500 = "chassis.errors.server_error"


@pytest.fixture(autouse=True)
def urlconf(settings: Any) -> None:
    """The views of this module, mistakes included, in the real application."""
    settings.ROOT_URLCONF = __name__


def _logged(caplog: pytest.LogCaptureFixture) -> BaseException:
    (error,) = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert error is not None
    return error


async def test_coroutine_without_a_wrapper(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """A sync view that forgets the wrapper answers nothing: Django refuses the coroutine that it returns."""
    assert (await client.get("/unwrapped/")).status_code == 500
    assert "unawaited coroutine" in str(_logged(caplog))
    # Left to itself it would warn that it was never awaited, which pytest makes an error: the other way to find it.
    forgotten.pop().close()
    assert (await client.get("/wrapped/")).text == "answered"


async def test_waiting_on_the_loop_for_the_loop(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """`async_to_sync` in an async view is refused, where it would otherwise wait for itself."""
    assert (await client.get("/wrapped-on-the-loop/")).status_code == 500
    assert "just await the async function directly" in str(_logged(caplog))


async def test_sync_orm_in_async_code(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Django refuses the synchronous ORM on the event loop instead of blocking it."""
    assert (await client.get("/sync-orm/")).status_code == 500
    assert isinstance(_logged(caplog), SynchronousOnlyOperation)


async def test_thread_sensitivity(client: httpx.AsyncClient) -> None:
    """Thread-sensitive calls of a request share its thread and its transaction; others are on another connection."""
    seen = (await client.get("/thread-sensitivity/")).json()
    (rows, thread), (rows_elsewhere, elsewhere) = seen["sensitive"], seen["insensitive"]
    assert (rows, rows_elsewhere) == (1, 0)
    assert thread.startswith("sync-thread-")
    assert elsewhere != thread
