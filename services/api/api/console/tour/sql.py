"""The SQL of a single request, for the tour: what its view asks PostgreSQL, in the order in which it does.

In the demo only: `api.settings` adds the middleware nowhere else. A request with `X-Show-SQL: 1` gets `X-SQL`, a JSON
list of statements without their parameters, and `X-SQL-Count`.
"""

import json

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chassis.database import recording
from chassis.middleware import AsyncMiddleware

# Bytes of the header: nginx takes 4 KB of them all together, unless it is told otherwise.
MAX_HEADER = 3000


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
    # ASCII without a line break, which is what a header may have.
    while len(encoded := json.dumps(shown)) > MAX_HEADER:
        shown.pop()
    return encoded
