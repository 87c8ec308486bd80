"""Request id, timing, one log line and the metrics of a request."""

import re
import time
import uuid

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chassis import metrics
from chassis.middleware import AsyncMiddleware

logger = structlog.get_logger(__name__)

# An id from the client ends up in logs and in headers to upstreams, so only what is harmless in both is kept.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(request: HttpRequest) -> str:
    """The caller's `X-Request-ID` where it is well-formed, otherwise a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


class RequestMiddleware(AsyncMiddleware):
    """Sets `X-Request-ID` and `X-Request-Duration` (seconds until the response was ready, not until it was sent)."""

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`, timed, counted and logged."""
        started = time.perf_counter()
        identifier = request_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=identifier)
        metrics.IN_PROGRESS.inc()
        try:
            response = await self.get_response(request)
        finally:
            metrics.IN_PROGRESS.dec()
        seconds = time.perf_counter() - started
        if not response.streaming and not response.has_header("Content-Length"):
            # Without it the server falls back to chunks, which cost a client and a proxy more to read.
            response.headers["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        response.headers["X-Request-ID"] = identifier
        response.headers["X-Request-Duration"] = f"{seconds:.6f}"
        # The route, not the path: a label per user id would be a time series per user id.
        match = request.resolver_match
        route = match.route if match else "(none)"
        method = request.method if request.method in _METHODS else "OTHER"
        metrics.REQUESTS.labels(method, route, response.status_code).inc()
        metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)
        logger.info(
            "http.request", method=method, path=request.path, status=response.status_code, ms=round(seconds * 1000, 2)
        )
        return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
