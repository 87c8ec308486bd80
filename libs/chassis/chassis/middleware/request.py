"""Request id, timing, one log line and the metrics of a request."""

import os
import re
import time
from functools import cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars

from async_handler import send_encoded
from chassis import metrics
from chassis.logging import EventLog
from chassis.middleware import AsyncMiddleware

log = EventLog(__name__)

# An id from the client ends up in logs and in headers to upstreams, so only what is harmless in both is kept.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_id(request: HttpRequest) -> str:
    """The caller's `X-Request-ID` where it is well-formed, otherwise a new one."""
    given = request.META.get("HTTP_X_REQUEST_ID")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


class RequestMiddleware(AsyncMiddleware):
    """Sets `X-Request-ID` and `X-Request-Duration` (seconds until the response was ready, not until it was sent)."""

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`, timed, counted and logged."""
        started = time.perf_counter()
        identifier = request_id(request)
        # What runs in this request's context, and nothing else, logs it: every request is a task with a context.
        bind_contextvars(request_id=identifier)
        metrics.IN_PROGRESS.inc()
        try:
            response = await self.get_response(request)
        finally:
            metrics.IN_PROGRESS.dec()
        seconds = time.perf_counter() - started
        headers = [(b"x-request-id", identifier.encode()), (b"x-request-duration", b"%.6f" % seconds)]
        if not response.streaming and not response.has_header("Content-Length"):
            # Without it the server falls back to chunks, which cost a client and a proxy more to read.
            headers.append((b"content-length", b"%d" % len(response.content)))  # type: ignore[attr-defined]
        send_encoded(response, headers)
        # The route, not the path: a label per user id would be a time series per user id.
        match = request.resolver_match
        method = request.method if request.method in _METHODS else "OTHER"
        count, observe = _measures(method, match.route if match else "(none)", response.status_code)
        count()
        observe(seconds)
        log.info(
            "http.request",
            method=method,
            path=request.path,
            status=response.status_code,
            ms=round(seconds * 1000, 2),
            request_id=identifier,
        )
        return response


@cache
def _measures(method: str, route: str, status: int) -> tuple[metrics.Increment, metrics.Observe]:
    # Bounded as the labels are; looking them up costs more than counting.
    return metrics.REQUESTS.labels(method, route, status).inc, metrics.REQUEST_SECONDS.labels(method, route).observe
