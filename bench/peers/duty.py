"""Equal duty: what Millrace's middleware does for every request, for peers to do too, as cheaply as it is done well.

The same security headers, `X-Request-ID` (the caller's where it is well-formed) and `X-Request-Duration`, the same two
metrics of prometheus-client, one JSON line in the log, and a look at who is asking: a Bearer token, else a session
cookie, else nobody.
"""

import logging
import re
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_RAW = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_REQUESTS = Counter("peer_http_requests_total", "HTTP requests answered", ["method", "route", "status"])
_DURATION = Histogram("peer_http_request_seconds", "Time to answer", ["method", "route"], buckets=_SECONDS)
_logger = logging.getLogger("peer.request")
_handler = logging.StreamHandler(sys.stderr)
_handler.setFormatter(logging.Formatter("%(message)s"))
_logger.addHandler(_handler)
_logger.setLevel(logging.INFO)
_logger.propagate = False
_encode = msgspec.json.Encoder().encode


def request_id(given: str) -> str:
    """`given` where it is well-formed, otherwise a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def observe(method: str, path: str, route: str, status: int, seconds: float, identifier: str) -> None:
    """Count, time and log one request."""
    _REQUESTS.labels(method, route, str(status)).inc()
    _DURATION.labels(method, route).observe(seconds)
    line = {
        "method": method,
        "path": path,
        "status": status,
        "ms": round(seconds * 1000, 2),
        "event": "http.request",
        "request_id": identifier,
        "logger": "peer.request",
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat(),
    }
    _logger.info(_encode(line).decode())


def who(authorization: str, cookie: str) -> str | None:
    """What the request is to be authenticated with: a look-up would follow, none does for anonymous requests."""
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return secret.strip()
    return next((part.partition("=")[2] for part in cookie.split("; ") if part.startswith("sessionid=")), None)


class DutyMiddleware:
    """All of it as plain ASGI middleware, which costs less than any framework's own base class for it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on and its response back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        identifier = request_id(given.decode("latin-1"))

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - started
                message["headers"] = [
                    *message["headers"],
                    *_RAW,
                    (b"x-request-id", identifier.encode()),
                    (b"x-request-duration", f"{seconds:.6f}".encode()),
                ]
                route = getattr(scope.get("route"), "path", None) or scope["path"]
                observe(scope["method"], scope["path"], route, message["status"], seconds, identifier)
            await send(message)

        await self.app(scope, receive, sending)
