"""Errors of this service.

RequestError            the request is refused: status and {"error": message}
    InvalidFieldError   400, a value in the body or the query; the message names its key and its range
ClientDisconnectError   the client left before its answer was complete; there is nobody left to answer
"""

from mock_upstream.asgi import Headers


class RequestError(Exception):
    """A refusal with its HTTP status, the sentence for the client and extra headers."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class InvalidFieldError(RequestError):
    """A value out of its range, of the wrong type, missing or unknown: 400."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class ClientDisconnectError(Exception):
    """The client closed its connection while a fault was keeping it waiting."""
