"""The errors that clients are told about, and their one translation to JSON.

    Error
     +-- BadRequest          400
     +-- Unauthorized        401
     +-- Forbidden           403
     +-- NotFound            404
     +-- MethodNotAllowed    405  the methods that are
     +-- Conflict            409
     +-- Gone                410
     +-- PayloadTooLarge     413
     +-- TooManyRequests     429  retry_after in seconds
     +-- Unavailable         503  retry_after in seconds

Domain code raises these (or its own subclasses) and never an HTTP response; each edge, the HTTP handler and the
WebSocket consumer, translates them once. Anything else is a defect: it is logged with its traceback and the client is
told only `{"error": "Internal server error"}`.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
import psycopg_pool
import redis.exceptions
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse

from async_handler import SyncPoolExhausted


class Error(Exception):
    """An error that the client caused or must know about; `message` is shown to them."""

    status = 500
    message = "Internal server error"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)

    @property
    def payload(self) -> dict[str, Any]:
        """The JSON object that the client gets: `{"error": message, **details}`."""
        return {"error": self.message, **self.details}

    @property
    def headers(self) -> dict[str, str]:
        """Extra response headers."""
        return {}


class BadRequest(Error):
    """The request is malformed."""

    status = 400
    message = "Bad request"


class Unauthorized(Error):
    """Nobody is signed in, or the credentials are not valid."""

    status = 401
    message = "Unauthorized"

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 asks every 401 to say how to authenticate."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(Error):
    """Somebody is signed in who may not do this."""

    status = 403
    message = "Forbidden"


class NotFound(Error):
    """There is no such thing, or not for this user."""

    status = 404
    message = "Not found"


class MethodNotAllowed(Error):
    """The resource exists and does not answer this method; says which ones it does."""

    status = 405
    message = "Method not allowed"

    def __init__(self, *allowed: str) -> None:
        super().__init__()
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 asks every 405 to name the methods."""
        return {"Allow": ", ".join(self.allowed)}


class Conflict(Error):
    """The request contradicts what is stored."""

    status = 409
    message = "Conflict"


class Gone(Error):
    """It was there, and is not any more."""

    status = 410
    message = "Gone"


class PayloadTooLarge(Error):
    """The body is larger than this service takes."""

    status = 413
    message = "Payload too large"


class _Later(Error):
    def __init__(self, message: str | None = None, *, retry_after: float = 1, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(max(1, round(self.retry_after)))}


class TooManyRequests(_Later):
    """The caller is over a limit; `retry_after` is in seconds."""

    status = 429
    message = "Too many requests"


class Unavailable(_Later):
    """A dependency is down or its pool is full; `retry_after` is in seconds."""

    status = 503
    message = "Service unavailable"


# In this order: the first that fits is the answer, and several of these are subclasses of later ones.
_KNOWN: tuple[tuple[type[Exception], Callable[[], Error]], ...] = (
    (Http404, NotFound),
    (PermissionDenied, Forbidden),
    (RequestDataTooBig, PayloadTooLarge),
    (SuspiciousOperation, BadRequest),
    (SyncPoolExhausted, lambda: Unavailable("Too many synchronous requests")),
    (psycopg_pool.TooManyRequests, lambda: Unavailable("Database busy")),
    (OperationalError, lambda: Unavailable("Database unavailable")),
    (InterfaceError, lambda: Unavailable("Database unavailable")),
    (psycopg.OperationalError, lambda: Unavailable("Database unavailable")),
    (redis.exceptions.ConnectionError, lambda: Unavailable("Redis unavailable")),
    (redis.exceptions.TimeoutError, lambda: Unavailable("Redis unavailable")),
    (TimeoutError, lambda: Unavailable("Timed out")),
)


def translate(error: Exception) -> Error | None:
    """The `Error` that stands for any exception, or None where it is a defect of ours."""
    if isinstance(error, Error):
        return error
    # Django wraps what psycopg's pool raises in an error class of its own.
    if isinstance(error.__cause__, psycopg_pool.TooManyRequests):
        error = error.__cause__
    return next((make() for kind, make in _KNOWN if isinstance(error, kind)), None)


def json_response(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """`payload` (anything that msgspec encodes) as a JSON response."""
    return HttpResponse(msgspec.json.encode(payload), status=status, headers=headers, content_type="application/json")


def error_response(error: Error) -> HttpResponse:
    """The response for an `Error`."""
    return foreseen(json_response(error.payload, error.status, error.headers))


def foreseen[Response: HttpResponse](response: Response) -> Response:
    """`response`, marked so that Django does not log a 5xx as a defect; the line of its request says what it was."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - Django's own mark
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`."""
    return error_response(translate(exception) or BadRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler403`."""
    return error_response(Forbidden())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`."""
    return error_response(exception if isinstance(exception, NotFound) else NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: not foreseen, so Django logs it with its traceback."""
    return json_response(Error().payload, Error.status)
