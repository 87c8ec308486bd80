"""A URL configuration whose views do what the handler's tests need; `events` lets a test hold a view in place."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import ClassVar

from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from chassis import database
from chassis.errors import Conflict


class Gate:
    """What the views tell the test, and where they wait for it; `current` is the running test's."""

    current: ClassVar["Gate"]

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.opened = asyncio.Event()
        self.sync_reached = threading.Semaphore(0)
        self.sync_opened = threading.Event()
        self.threads: list[str] = []
        self.task: asyncio.Task[str] | None = None


async def ok(request: HttpRequest) -> HttpResponse:
    """Answers at once."""
    return HttpResponse(b"ok")


async def echo(request: HttpRequest) -> HttpResponse:
    """Answers the body."""
    return HttpResponse(request.body)


async def waits(request: HttpRequest) -> HttpResponse:
    """Answers when the gate opens."""
    Gate.current.reached.set()
    try:
        await Gate.current.opened.wait()
    except asyncio.CancelledError:
        Gate.current.cancelled.set()
        raise
    return HttpResponse(b"waited")


def blocks(request: HttpRequest) -> HttpResponse:
    """Blocks its thread until the gate opens."""
    Gate.current.threads.append(threading.current_thread().name)
    Gate.current.sync_reached.release()
    Gate.current.sync_opened.wait(30)
    return HttpResponse(b"blocked")


async def hops(request: HttpRequest) -> HttpResponse:
    """Visits a thread twice and names both."""
    name = sync_to_async(lambda: threading.current_thread().name)
    return HttpResponse(f"{await name()} {await name()}".encode())


async def leaves_a_task(request: HttpRequest) -> HttpResponse:
    """Starts a task that visits a thread when the gate opens."""

    async def late() -> str:
        await Gate.current.opened.wait()
        return await sync_to_async(lambda: threading.current_thread().name)()

    Gate.current.task = asyncio.create_task(late())
    return HttpResponse(b"left")


async def conflicts(request: HttpRequest) -> HttpResponse:
    """Raises an error that clients are told about."""
    raise Conflict("Already there")


def conflicts_sync(request: HttpRequest) -> HttpResponse:
    """The same from a thread."""
    raise Conflict("Already there")


async def database_down(request: HttpRequest) -> HttpResponse:
    """Raises what a dead database raises."""
    raise OperationalError("connection to server at 10.1.2.3, user postgres failed: secret detail")


async def broken(request: HttpRequest) -> HttpResponse:
    """A defect."""
    raise ZeroDivisionError("secret detail")


async def streams(request: HttpRequest) -> StreamingHttpResponse:
    """Uses the database, then streams until the gate opens."""
    await database.fetch_all("SELECT 1")
    return StreamingHttpResponse(_parts())


async def _parts() -> AsyncIterator[bytes]:
    yield b"first"
    Gate.current.reached.set()
    try:
        await Gate.current.opened.wait()
    finally:
        Gate.current.cancelled.set()
    yield b"last"


urlpatterns = [
    path("ok", ok),
    path("echo", echo),
    path("waits", waits),
    path("blocks", blocks),
    path("hops", hops),
    path("leaves-a-task", leaves_a_task),
    path("conflicts", conflicts),
    path("conflicts-sync", conflicts_sync),
    path("database-down", database_down),
    path("broken", broken),
    path("streams", streams),
]
handler404 = "chassis.errors.not_found"
handler500 = "chassis.errors.server_error"
