"""Records the statements that run in a context: for pictures and reports, never for tests, which see every connection.

Costs nothing where nobody records: a look at a context variable a statement.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

_statements: ContextVar[list[str] | None] = ContextVar("recorded_statements", default=None)


@contextlib.contextmanager
def recorded() -> Iterator[list[str]]:
    """The SQL, without parameters, of what runs in the block and in tasks and threads that it starts."""
    statements: list[str] = []
    token = _statements.set(statements)
    try:
        yield statements
    finally:
        _statements.reset(token)


def note(sql: Any) -> None:
    """A statement is about to run."""
    statements = _statements.get()
    if statements is not None:
        statements.append(str(sql))


def wrapper(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """For `execute_wrappers` of a Django connection, synchronous or not."""
    note(sql)
    return execute(sql, params, many, context)
