"""Django's ASGI handler without a thread, a task group or a temporary file on the path of an async view.

The semantics are Django's (signals, middleware, exceptions, streaming, cancellation when the client goes), with these
differences, each on purpose:

- synchronous code (views, middleware, receivers, the ORM) runs on a bounded set of reusable threads (`sync_pool`),
  one a request; Django starts and joins a thread for each request;
- the body is kept in memory, capped at `DATA_UPLOAD_MAX_MEMORY_SIZE`: a larger one raises `RequestDataTooBig` where it
  is read, and nothing needs a writable disk;
- a client that goes is noticed `QUICK_SECONDS` after its request began at the earliest (`disconnect`);
- whatever the server says after the body that is not a disconnect is read past, where Django fails an assertion;
- a path without captures is resolved once (`routing`), so its `ResolverMatch` is shared between requests;
- what closes a response runs on the event loop, and a 4xx or 5xx is logged there;
- `reset_urlconf` is not a receiver of `request_finished`: the URL configuration is reset if a request has set one.

Measurements: docs/performance.md. Django's own tests of its handler: `make django-tests`.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from io import BytesIO
from typing import Any, cast

from asgiref.sync import sync_to_async
from django import db
from django.conf import settings
from django.core import signals
from django.core.cache import close_caches
from django.core.exceptions import RequestAborted, RequestDataTooBig
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import reset_urlconf
from django.core.handlers.exception import response_for_exception
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import clear_script_prefix, get_resolver, set_script_prefix, set_urlconf
from django.utils.log import log_response

from async_handler.disconnect import DisconnectWatcher
from async_handler.headers import encoded, send_encoded
from async_handler.request import Request
from async_handler.routing import AsyncView, Routes
from async_handler.sync_pool import threads
from async_handler.types import Receive, Send


class _TooLarge(BytesIO):
    """A body that was over the cap: reading it is what fails, so that views which ignore their body still answer."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise RequestDataTooBig("Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE.")


class AsyncHandler(ASGIHandler):
    """One Django application as an ASGI application.

    For subclasses: `serve_lifespan`, `response_to`, `release`, `inline_error_views` and `server_timing`.
    """

    request_class = Request
    # True if the error views (handler404 and so on) neither block nor query: they then run on the event loop.
    inline_error_views = False
    # Adds `Server-Timing: app;dur=<milliseconds>`: from the end of the body to the start of the response.
    server_timing = False

    def __init__(self) -> None:
        super().__init__()
        # Imports every view now: a broken one should end the start of the process, not its first request.
        get_resolver().url_patterns  # noqa: B018
        # All exist for synchronous connections, which only the threads of the pool have: `ThreadLease.release` takes
        # care of those. A synchronous receiver left here would make every request lease a thread, and wait for one.
        signals.request_started.disconnect(db.close_old_connections)
        signals.request_started.disconnect(db.reset_queries)
        signals.request_finished.disconnect(db.close_old_connections)
        signals.request_finished.disconnect(close_caches)
        signals.request_finished.disconnect(reset_urlconf)

    async def serve_lifespan(self, receive: Receive, send: Send) -> None:
        """Answer the lifespan protocol; raising, as Django does, says that it is not spoken here."""
        raise ValueError("Django can only handle ASGI/HTTP connections, not lifespan.")

    def response_to(self, error: Exception) -> HttpResponseBase | None:
        """The response to what a view has raised; None leaves it to Django's exception middleware and error views."""
        return None

    async def release(self) -> None:
        """The view has answered, or failed: give back what the request holds. Called before the response is sent."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Answer one HTTP request, or the lifespan protocol."""
        if scope["type"] == "lifespan":
            await self.serve_lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"Django can only handle ASGI/HTTP connections, not {scope['type']}.")
        with threads() as lease:
            try:
                await self.handle(scope, receive, send)
            finally:
                if lease.used:
                    await lease.release()

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """From the first byte of the body to `request_finished`."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        started = time.perf_counter()
        if prefix := settings.FORCE_SCRIPT_NAME or scope.get("root_path"):
            set_script_prefix(prefix)
        await signals.request_started.asend(sender=self.__class__, scope=scope)
        request, bad_request = self.create_request(scope, body)
        response: HttpResponseBase | None = None
        watch = DisconnectWatcher(receive, asyncio.get_running_loop())
        try:
            response = await self.run_get_response(request) if request else cast(HttpResponse, bad_request)
            await self.release()
            if self.server_timing:
                milliseconds = (time.perf_counter() - started) * 1000
                send_encoded(response, [(b"server-timing", b"app;dur=%.2f" % milliseconds)])
            await self.send_response(response, send)
        except asyncio.CancelledError:
            if not watch.aborted():
                raise
        finally:
            watch.stop()
            if response is None or response.streaming:
                # A view that failed, or an iterator that went on using what its view had given back.
                await self.release()
            await self.close_response(response)
            if prefix:
                clear_script_prefix()

    async def read_body(self, receive: Receive) -> BytesIO:  # type: ignore[override]
        """The whole body in memory, or one that raises when it is read, if it is over the cap."""
        message = await receive()
        body = BytesIO()
        while message["type"] != "http.disconnect":
            body.write(message.get("body", b""))
            if body.tell() > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or float("inf")):
                return _TooLarge()
            if not message.get("more_body", False):
                body.seek(0)
                return body
            message = await receive()
        raise RequestAborted

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """The response to `request`, whatever goes wrong."""
        response = await self.get_response_async(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # noqa: SLF001 - as Django's does
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        return response

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Run the middleware chain."""
        response: HttpResponseBase = await cast(Callable[..., Awaitable[Any]], self._middleware_chain)(request)  # type: ignore[attr-defined]
        response._resource_closers.append(request.close)  # type: ignore[attr-defined]  # noqa: SLF001 - as Django's does
        if response.status_code >= 400:
            log_response(
                "%s: %s", response.reason_phrase, request.path, response=cast(HttpResponse, response), request=request
            )
        if hasattr(request, "urlconf"):
            set_urlconf(None)
        return response

    async def _get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Resolve and call the view, and apply the hooks of middleware around it."""
        try:
            return await self._answer(request)
        except Exception as error:  # noqa: BLE001 - the whole of them is what Django's function is for
            return await self._failed(request, error)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        match, view = self._routes(request).find(request)
        response: Any = None
        for view_middleware in self._view_middleware:  # type: ignore[attr-defined]
            if response := await view_middleware(request, match.func, match.args, match.kwargs):
                break
        else:
            try:
                response = await view(request, *match.args, **match.kwargs)
            except Exception as error:
                response = self.response_to(error)
                if response is None and self._exception_middleware:  # type: ignore[attr-defined]
                    response = await sync_to_async(self.process_exception_by_middleware)(error, request)
                if response is None:
                    raise
        if not isinstance(response, HttpResponseBase):
            self.check_response(response, match.func)
        if callable(getattr(response, "render", None)):
            response = await self._rendered(request, response)
        return cast(HttpResponseBase, response)

    async def _rendered(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        for method in self._template_response_middleware:  # type: ignore[attr-defined]
            response = await method(request, response)
            self.check_response(response, method, name=f"{type(method.__self__).__name__}.process_template_response")
        try:
            if iscoroutinefunction(response.render):
                response = await response.render()
            else:
                response = await sync_to_async(response.render)()
        except Exception as error:
            response = await sync_to_async(self.process_exception_by_middleware)(error, request)
            if response is None:
                raise
        return cast(HttpResponseBase, response)

    async def _failed(self, request: HttpRequest, error: Exception) -> HttpResponseBase:
        response: HttpResponseBase | None = self.response_to(error)
        if response is None:
            convert = response_for_exception
            response = (
                convert(request, error) if self.inline_error_views else await sync_to_async(convert)(request, error)
            )
        return response

    def _routes(self, request: HttpRequest) -> Routes:
        urlconf = getattr(request, "urlconf", None)
        if urlconf is not None:
            set_urlconf(urlconf)
        resolver = get_resolver(urlconf)
        routes: Routes | None = resolver.__dict__.get("_routes")
        if routes is None or routes.prepare != self.prepare_view:
            # Kept where Django keeps what it has found out about a configuration, and forgotten with it.
            routes = resolver.__dict__["_routes"] = Routes(resolver, self.prepare_view)
        return routes

    def prepare_view(self, view: Callable[..., Any]) -> AsyncView:
        """`view` as it is called: in a transaction if `ATOMIC_REQUESTS` asks for one, on a thread if it is sync."""
        prepared: Any = self.make_view_atomic(view)
        return prepared if iscoroutinefunction(prepared) else sync_to_async(prepared, thread_sensitive=True)

    async def send_response(self, response: HttpResponseBase, send: Send) -> None:
        """Send `response` with all its headers."""
        await send({"type": "http.response.start", "status": response.status_code, "headers": encoded(response)})
        if response.streaming:
            async with contextlib.aclosing(cast(Any, aiter(cast(Any, response)))) as content:
                async for part in content:
                    for chunk, _ in self.chunk_bytes(part):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body"})
            return
        content = cast(HttpResponse, response).content
        if len(content) <= self.chunk_size:
            await send({"type": "http.response.body", "body": content})
            return
        for chunk, last in self.chunk_bytes(content):
            await send({"type": "http.response.body", "body": chunk, "more_body": not last})

    async def close_response(self, response: HttpResponseBase | None) -> None:
        """What `HttpResponse.close` does, with `request_finished` sent asynchronously."""
        if response is not None:
            for closer in response._resource_closers:  # type: ignore[attr-defined]  # noqa: SLF001 - as Django's does
                with contextlib.suppress(Exception):
                    closer()
            response._resource_closers.clear()  # type: ignore[attr-defined]  # noqa: SLF001
            response.closed = True
        await signals.request_finished.asend(sender=self.__class__)
