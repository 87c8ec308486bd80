"""Middleware, all of it async: nothing here is synchronous-capable, so nothing can pull a request onto a thread."""

from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chassis.errors import error_response, translate

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class AsyncMiddleware:
    """Base of every middleware: subclasses define `answer`; its errors are translated as a view's are."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        # Django decides by this mark, not by the type of __call__, whether to wrap the instance for a thread.
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`; a dead database or Redis becomes its 503 here, before Django makes a 500 of it."""
        try:
            return await self.answer(request)
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            return error_response(known)

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`, usually with what `self.get_response` returns."""
        raise NotImplementedError
