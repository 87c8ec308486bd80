"""What `/api/gather/` takes and answers."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Status = Literal["ok", "stale", "timeout", "error", "open", "rejected"]
Source = Literal["upstream", "memory", "redis"]


class GatherQuery(Struct):
    """`limit`: how many rows of each resource, the upstream has 300.

    `without`: mechanisms to leave out of this request, comma separated; in the demo only. `trace`: have the requests
    of each leg in its meta.
    """

    limit: Annotated[int, Meta(ge=1, le=300)] = 10
    without: str = ""
    trace: bool = False


class RequestMeta(Struct):
    """A request to the upstream: when it was sent, in milliseconds after its leg began, and how long it took.

    `ended`: `timeout`, the leg's time was over; `cancelled`, another request was quicker, or nobody waited any more.
    """

    kind: Literal["first", "retry", "hedge"]
    at: float
    ms: float
    ended: Literal["ok", "failed", "timeout", "cancelled"]


class LegMeta(Struct, omit_defaults=True):
    """How one leg went.

    `status`: `ok`; `stale`, the upstream failed and these are the last rows that it gave; without rows: `timeout`,
    `error`, `open` (the circuit breaker let no request out) and `rejected` (too many wait for this upstream already).
    `ms`: how long it took. `attempts`: requests that were sent to the upstream, of retries and a hedge too. `hedged`: a
    second request went out because the first was slow. `source`: where the rows come from, and `age`: how many seconds
    ago the upstream gave them (0 where it did now); both null without rows. `error`: why the upstream's answer is
    missing; left out where nothing is. `requests`: those that were sent, where `trace` asked for them.
    """

    status: Status
    ms: float
    attempts: int
    hedged: bool
    source: Source | None
    age: float | None
    error: str | None = None
    requests: list[RequestMeta] | None = None


class GatherMeta(Struct):
    """`partial` where the rows of a leg are missing; `ms` is the whole time, `deadline_ms` what it may be.

    `without`: the mechanisms that were left out, by setting or by request.
    """

    partial: bool
    ms: float
    deadline_ms: float
    legs: dict[str, LegMeta]
    without: list[str]


class Gathered(Struct):
    """The rows of all legs; the list of one that failed is empty."""

    users: list[dict[str, Any]]
    products: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    meta: GatherMeta


class GatherFailed(Struct):
    """A leg that has to be there failed, or all did."""

    error: str
    meta: GatherMeta
