"""A query that Django's ORM writes once: its SQL is made when it is first used, and sent with other values after that.

Building and compiling a query of one row takes the ORM longer than asking PostgreSQL for it. Use it where a request
asks the same question every time; everywhere else the ORM is the better tool.

    _BY_ID = Prepared(lambda: User.objects.filter(pk=Param("id", BigIntegerField())).values_list("id", "username"))
    rows = await _BY_ID.fetch_all(id=7)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression

from chassis.database.statements import fetch_all

if TYPE_CHECKING:
    from django.db.models import Field, Model, QuerySet


class Param(Expression):
    """Stands for a value that is given when the query runs; `field` is its type, in Python and in the database."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A placeholder with a cast: without it PostgreSQL would have to guess the type."""
        return f"%s::{self.output_field.db_type(connection)}", [self]

    def value(self, given: Any) -> Any:
        """`given` as the database takes it."""
        return self.output_field.get_db_prep_value(given, connection=connections[DEFAULT_DB_ALIAS])


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    params: list[Any]
    # Of columns that Python has as something else than the database: None where there are none.
    convert: Callable[..., Iterable[Any]] | None


class Prepared:
    """The query that `queryset` makes, over `values_list` of columns, or over whole rows of its model."""

    def __init__(self, queryset: Callable[[], QuerySet[Any, Any]], suffix: str = "") -> None:
        """`suffix` follows the SQL as it is, for what the ORM wants to know beforehand: `LIMIT %s OFFSET %s`."""
        self._queryset = queryset
        self._suffix = suffix
        self._compiled: _Compiled | None = None

    def _compile(self) -> _Compiled:
        # Not when it is made: modules are imported before all models are known.
        if self._compiled is None:
            # Compiling asks the connection how to write SQL; nothing is sent over it.
            compiler = self._queryset().query.get_compiler(DEFAULT_DB_ALIAS)
            sql, params = compiler.as_sql()
            converters = compiler.get_converters([column for column, *_ in compiler.select or ()])
            convert = partial(compiler.apply_converters, converters=converters) if converters else None
            self._compiled = _Compiled(sql + self._suffix, list(params), convert)
        return self._compiled

    async def fetch_all(self, *following: Any, **values: Any) -> list[tuple[Any, ...]]:
        """All rows, with `values` for the `Param`s by name, and `following` for the suffix."""
        compiled = self._compile()
        given = [param.value(values[param.name]) if isinstance(param, Param) else param for param in compiled.params]
        rows = await fetch_all(compiled.sql, (*given, *following))
        return rows if compiled.convert is None else [tuple(row) for row in compiled.convert(rows)]


def columns(model: type[Model], prefix: str = "") -> list[str]:
    """The names of all columns of `model`, for `values_list`; `prefix` is the path of a relation to it (`user__`)."""
    return [prefix + field.attname for field in model._meta.concrete_fields]  # noqa: SLF001 - Django documents it


def instance[M: Model](model: type[M], row: tuple[Any, ...]) -> M:
    """`row`, the values of `columns(model)`, as the ORM would have loaded it."""
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in model._meta.concrete_fields], row)  # noqa: SLF001
