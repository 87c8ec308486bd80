"""The SQL of a single request, for the tour: what its view asks PostgreSQL, in the order in which it does.

In the demo only: `api.settings` adds the middleware nowhere else. A request with `X-Show-SQL: 1` gets `X-SQL`, a
percent-encoded JSON list of statements without their parameters, and `X-SQL-Count`.
"""

from urllib.parse import quote

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chassis.database import recording
from chassis.middleware import AsyncMiddleware

# Bytes of the header: servers and browsers take a little more.
MAX_HEADER = 12_000


class ShowSql(AsyncMiddleware):
    """The innermost middleware, so that only the view's own statements are recorded."""

    async def answer(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`; with its SQL where that was asked for."""
        if request.META.get("HTTP_X_SHOW_SQL") != "1":
            return await self.get_response(request)
        with recording.recorded() as statements:
            response = await self.get_response(request)
        response.headers["X-SQL-Count"] = str(len(statements))
        response.headers["X-SQL"] = _encoded(statements)
        return response


def _encoded(statements: list[str]) -> str:
    """As many of the first ones as fit."""
    shown = [" ".join(statement.split()) for statement in statements]
    while len(encoded := quote(msgspec.json.encode(shown))) > MAX_HEADER:
        shown.pop()
    return encoded
