"""What `/api/gather/` takes and answers."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Status = Literal["ok", "timeout", "error"]


class GatherQuery(Struct):
    """How many rows of each resource; the upstream has 300."""

    limit: Annotated[int, Meta(ge=1, le=300)] = 10


class LegMeta(Struct, omit_defaults=True):
    """How one leg went, in milliseconds; `error` is the reason where it is not `ok`."""

    status: Status
    ms: float
    error: str | None = None


class GatherMeta(Struct):
    """`partial` where a leg is missing; `ms` is the whole time, `deadline_ms` what each leg may take."""

    partial: bool
    ms: float
    deadline_ms: float
    legs: dict[str, LegMeta]


class Gathered(Struct):
    """The rows of all legs; the list of one that failed is empty."""

    users: list[dict[str, Any]]
    products: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    meta: GatherMeta


class GatherFailed(Struct):
    """No leg answered."""

    error: str
    meta: GatherMeta
