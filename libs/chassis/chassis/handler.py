"""Django's ASGI handler without a thread on the async path.

Django 6.1's own handler makes a thread context for every request, calls synchronous receivers of its signals in it,
closes the response in it and logs a 4xx in another. This one keeps Django's semantics (signals, cancellation when the
client goes, streaming, exception handling) with these differences, each on purpose:

- it answers the lifespan protocol (`chassis.lifespan`);
- a request that runs no synchronous code starts and visits no thread; one that does leases a lane (`chassis.lanes`);
- the body is kept in memory and capped at `DATA_UPLOAD_MAX_MEMORY_SIZE`, with no temporary file: works on a read-only
disk;
- the database connection goes back to the pool before the response is sent, so a slow reader or a stream holds none;
- an exception of a view that `chassis.errors` knows becomes its JSON response right at the view.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from io import BytesIO
from typing import Any, cast

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django import db
from django.conf import settings
from django.core import signals
from django.core.cache import close_caches
from django.core.exceptions import RequestAborted, RequestDataTooBig
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import reset_urlconf
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_resolver, set_script_prefix, set_urlconf
from django.utils.log import log_response

from chassis import database, lifespan
from chassis.errors import error_response, translate
from chassis.lanes import lanes
from chassis.types import Receive, Scope, Send

View = Callable[..., Any]


class _TooLarge(BytesIO):
    """A body that was over the cap: reading it is what fails, so that views which ignore their body still answer."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise RequestDataTooBig("Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE.")


class Handler(ASGIHandler):
    """One Django application as an ASGI application."""

    def __init__(self) -> None:
        super().__init__()
        # Imports every view now: a broken one should end the start of the process, not its first request.
        get_resolver().url_patterns  # noqa: B018
        # All exist for synchronous connections, which only lanes have: `Lease.release` takes care of those. A
        # synchronous receiver left here would make every request visit a lane, and wait where all are taken.
        signals.request_started.disconnect(db.close_old_connections)
        signals.request_started.disconnect(db.reset_queries)
        signals.request_finished.disconnect(db.close_old_connections)
        signals.request_finished.disconnect(close_caches)
        # And this one resets what every request sets anew.
        signals.request_finished.disconnect(reset_urlconf)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Answer one HTTP request, or the lifespan protocol."""
        if scope["type"] == "lifespan":
            await lifespan.serve_lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP and lifespan are served here, not {scope['type']}")
        # daphne speaks no lifespan; everywhere else this is one comparison.
        await lifespan.ensure_running()
        lease = lanes().lease()
        async with ThreadSensitiveContext(executor=lease):
            try:
                await self.handle(scope, receive, send)
            finally:
                await lease.release()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """From the first byte of the body to `request_finished`."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        await signals.request_started.asend(sender=self.__class__, scope=scope)
        request, bad_request = self.create_request(scope, body)
        if request is None:
            await self.send_response(cast(HttpResponse, bad_request), cast(Any, send))
            await self.close_response(cast(HttpResponse, bad_request))
            return
        response: HttpResponseBase | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self.listen_for_disconnect(receive))
                response = await self.run_get_response(request)
                await database.release()
                await self.send_response(response, cast(Any, send))
                watch.cancel()
        except* RequestAborted:
            pass
        except* Exception as group:  # noqa: BLE001 - raised again on the next line
            # The server's log should name the error, not the task group that carried it.
            raise group.exceptions[0] from None
        finally:
            await database.release()
            await self.close_response(response)

    async def read_body(self, receive: Receive) -> BytesIO:  # type: ignore[override]
        """The whole body in memory, or one that raises when read where it is over the cap."""
        body = BytesIO()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            body.write(message.get("body", b""))
            if body.tell() > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                return _TooLarge()
            if not message.get("more_body", False):
                body.seek(0)
                return body

    async def listen_for_disconnect(self, receive: Receive) -> None:  # type: ignore[override]
        """Raise `RequestAborted` when the client goes; what is left of an oversized body is read past."""
        while (await receive())["type"] != "http.disconnect":
            pass
        raise RequestAborted

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Run the middleware chain; a 4xx or 5xx is logged here and now instead of on another thread."""
        set_urlconf(settings.ROOT_URLCONF)
        response: HttpResponseBase = await cast(Callable[..., Awaitable[Any]], self._middleware_chain)(request)  # type: ignore[attr-defined]
        response._resource_closers.append(request.close)  # type: ignore[attr-defined]  # noqa: SLF001 - as Django's does
        if response.status_code >= 400:
            log_response(
                "%s: %s", response.reason_phrase, request.path, response=cast(HttpResponse, response), request=request
            )
        return response

    async def close_response(self, response: HttpResponseBase | None) -> None:
        """What `HttpResponse.close` does, with `request_finished` sent asynchronously."""
        if response is not None:
            for closer in response._resource_closers:  # type: ignore[attr-defined]  # noqa: SLF001 - as Django's does
                with contextlib.suppress(Exception):
                    closer()
            response._resource_closers.clear()  # type: ignore[attr-defined]  # noqa: SLF001
            response.closed = True
        await signals.request_finished.asend(sender=self.__class__)

    def make_view_atomic(self, view: View) -> View:
        """Django's hook around each view, used to translate its exceptions while still on the event loop."""
        view = super().make_view_atomic(view)
        if not iscoroutinefunction(view):
            # Here instead of in Django's caller, so that its errors and a refused lane are translated too.
            view = sync_to_async(view, thread_sensitive=True)

        @wraps(view)
        async def translated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return cast(HttpResponseBase, await view(request, *args, **kwargs))
            except Exception as error:
                known = translate(error)
                if known is None:
                    raise
                return error_response(known)

        return translated
