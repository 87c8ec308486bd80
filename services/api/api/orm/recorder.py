"""Records the SQL of a connection, synchronous or asynchronous."""

from collections.abc import Callable
from typing import Any


class Recorder:
    """A wrapper for `connection.execute_wrapper`, which both kinds of connection have with the same arguments."""

    def __init__(self) -> None:
        self._statements: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run the statement; an awaitable where the connection is asynchronous."""
        # psycopg's own rendering of what it sends: the values are quoted, not pasted in.
        self._statements.append(sql if many else context["cursor"].mogrify(sql, params))
        return execute(sql, params, many, context)

    def take(self) -> list[str]:
        """The statements since the last call."""
        taken, self._statements = self._statements, []
        return taken
