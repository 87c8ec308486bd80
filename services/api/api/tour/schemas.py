"""What the endpoints of the tour take and answer."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct


class DelayQuery(Struct):
    """How long to wait, in seconds."""

    delay: Annotated[float, Meta(ge=0, le=10)] = 1.0


class Greeting(Struct):
    """The answer after the wait."""

    message: str


class Surroundings(Struct):
    """What a piece of code sees of where it runs; `loop` is None where no event loop runs."""

    event_loop_running: bool
    loop: str | None
    thread: str


class Mode(Surroundings, kw_only=True):
    """What an async view sees, and what a synchronous helper that it calls sees; `server` may be `unknown`."""

    server: str
    worker: str
    pid: int
    python: str
    django: str
    sync_helper: Surroundings


class External(Struct):
    """What the upstream answered, and by which way the coroutine was called."""

    via: Literal["await", "async_to_sync"]
    users: list[dict[str, Any]]
    total: int | None
    ms: float


class ExternalGathered(Struct):
    """Ten rows of each."""

    users: list[dict[str, Any]]
    products: list[dict[str, Any]]
    orders: list[dict[str, Any]]


class RobustQuery(Struct):
    """Which way to fail; without it nothing does."""

    fail: Literal["expected", "unexpected"] | None = None
