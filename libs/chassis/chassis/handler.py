"""Millrace's ASGI application: the handler of `async_handler`, our lifespan, our errors, our database connections."""

from typing import Any

from django.http.response import HttpResponseBase

from async_handler import AsyncHandler
from async_handler.types import Receive, Send
from chassis import database, lifespan
from chassis.errors import error_response, translate


class Handler(AsyncHandler):
    """One Django application as an ASGI application.

    The database connection goes back to the pool before the response is sent, so a slow reader or a stream holds none.
    What a view raises and `chassis.errors` knows becomes its JSON response right at the view.
    """

    # `chassis.errors` has them; they build a JSON response.
    inline_error_views = True
    server_timing = True

    async def serve_lifespan(self, receive: Receive, send: Send) -> None:
        """Open and close the process's resources."""
        await lifespan.serve_lifespan(receive, send)

    def response_to(self, error: Exception) -> HttpResponseBase | None:
        """The JSON of an error that clients are told about."""
        known = translate(error)
        return error_response(known) if known is not None else None

    async def release(self) -> None:
        """Give the request's connections back."""
        await database.release()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Answer one request, in a process whose resources are open, or the lifespan protocol."""
        # Under daphne's own command nothing else opens them; under `python -m api` this is one comparison.
        if not lifespan.is_running() and scope["type"] == "http":
            await lifespan.ensure_running()
        await super().__call__(scope, receive, send)
