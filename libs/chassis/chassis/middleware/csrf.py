"""CSRF protection for writes that a session cookie authenticates, without Django's hop to a thread.

A Bearer token is not sent by a browser on its own, so a request that carries one needs no CSRF token; neither does one
that is not signed in. `accounts.middleware` records which it was in `request.credential`.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from chassis.errors import Forbidden, error_response
from chassis.middleware import AsyncMiddleware, GetResponse

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class _Check(CsrfViewMiddleware):
    """Django's check as it is; only its answer is JSON. It reads memory only, so it may run on the event loop."""

    def __init__(self) -> None:
        super().__init__(lambda request: HttpResponse())

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return error_response(Forbidden("CSRF check failed", reason=reason))


def _view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    # Only handed to the check, which looks whether the view is marked exempt; none of ours is.
    raise NotImplementedError


class CsrfMiddleware(AsyncMiddleware):
    """Refuses an unsafe request that a session cookie authenticates and that lacks a CSRF token or the right Origin."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.check = _Check()

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`, or 403 `{"error": "CSRF check failed", "reason": ...}`."""
        if "HTTP_COOKIE" in request.META:
            self.check.process_request(request)
        if getattr(request, "credential", None) == "session" and request.method not in _SAFE:
            refused = self.check.process_view(request, _view, (), {})
            if refused is not None:
                return refused
        response = await self.get_response(request)
        # Sets the cookie where the view asked for a token (`get_token`).
        return self.check.process_response(request, response)
