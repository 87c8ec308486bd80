"""What Django's own middleware leaves of equal duty: the other headers, request id, timing, metrics and log line."""

import time
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from django.utils.decorators import sync_and_async_middleware

from bench.peers.duty import SECURITY, observe, request_id


@sync_and_async_middleware
def duty(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """For ASGI and for WSGI."""

    def finish(request: Any, response: Any, started: float) -> Any:
        seconds = time.perf_counter() - started
        identifier = request_id(request.headers.get("X-Request-ID", ""))
        for name, value in SECURITY.items():
            response.headers.setdefault(name, value)
        response.headers["Content-Length"] = str(len(response.content))
        response.headers["X-Request-ID"] = identifier
        response.headers["X-Request-Duration"] = f"{seconds:.6f}"
        route = request.resolver_match.route if request.resolver_match else "(none)"
        observe(request.method, request.path, route, response.status_code, seconds, identifier)
        return response

    if iscoroutinefunction(get_response):

        async def asynchronous(request: Any) -> Any:
            started = time.perf_counter()
            return finish(request, await get_response(request), started)

        return asynchronous

    def synchronous(request: Any) -> Any:
        started = time.perf_counter()
        return finish(request, get_response(request), started)

    return synchronous
