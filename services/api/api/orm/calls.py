"""A list of calls that is made by decorating functions, so that the source that is shown is the source that runs."""

import ast
import inspect
import secrets
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group

from accounts.models import User
from api.orm.schemas import Backend
from rooms.models import Room


@dataclass(slots=True)
class Demo:
    """What the calls of one transaction share. The name is new for each, so that no two requests wait for one row."""

    name: str = field(default_factory=lambda: f"orm_{secrets.token_hex(8)}")
    user: User = field(init=False)
    room: Room = field(init=False)
    group: Group = field(init=False)


type Run = Callable[[Demo], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One ORM method, the source of its call, and the call itself."""

    method: str
    backend: Backend
    source: str
    run: Run


class Calls(list[Call]):
    """Calls in the order in which they are made; later ones may use what earlier ones created."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend

    def add(self, method: str) -> Callable[[Run], Run]:
        """Append the decorated function as a call of `method`."""

        def append(run: Run) -> Run:
            self.append(Call(method, self.backend, source_of(run), run))
            return run

        return append


def source_of(run: Run) -> str:
    """The statements of `run` without its signature; a `return` shows only what it waits for."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(run)))
    function = tree.body[0]
    assert isinstance(function, ast.AsyncFunctionDef)  # noqa: S101 - narrows the type; `add` takes nothing else
    lines = [ast.unparse(statement) for statement in function.body]
    last = function.body[-1]
    if isinstance(last, ast.Return) and last.value is not None:
        waits = any(isinstance(node, ast.Await | ast.comprehension) for node in ast.walk(last))
        lines[-1:] = [ast.unparse(last.value)] if waits else []
    return "\n".join(lines)
