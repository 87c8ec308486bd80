"""What `/api/orm/` answers."""

from typing import Literal

from msgspec import Struct

Backend = Literal["async", "stock"]


class MethodReport(Struct):
    """One call: its Python source, the SQL it ran, how many rows or which value it gave, and its time in milliseconds.

    `backend` is `async` for the true async ORM (`async_objects`, no thread), `stock` for Django's own a-methods, which
    run their synchronous counterpart on the request's thread.
    """

    method: str
    backend: Backend
    call: str
    sql: list[str]
    rows: int | bool | str | dict[str, int]
    ms: float
