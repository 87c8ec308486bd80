"""What became of a call."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from chassis.upstream.metrics import Attempt

Status = Literal["ok", "stale", "timeout", "error", "open", "rejected"]
Source = Literal["upstream", "memory", "redis"]
Ended = Literal["ok", "failed", "timeout", "cancelled"]


class Sent(NamedTuple):
    """A request of a call: why it was sent, how many seconds after the call began, for how many, and how it ended.

    `timeout`: the call's time was over. `cancelled`: another request was quicker, or nobody waited any more.
    """

    kind: Attempt
    at: float
    seconds: float
    ended: Ended


# Not frozen: that would make each several times as expensive.
@dataclass(slots=True, kw_only=True)
class Outcome[Value]:
    """`value` is there where the status is `ok` or `stale`, and None otherwise.

    `seconds`: how long it took. `attempts`: requests that were sent. `source` and `age` (seconds since the upstream
    gave the answer): None without a value. `reason`: why the upstream's own answer is missing. `retry_after`: seconds
    after which it may be worth asking again. `requests`: those that were sent, in the order of their ends.
    """

    status: Status
    value: Value | None = None
    seconds: float = 0.0
    attempts: int = 0
    hedged: bool = False
    source: Source | None = None
    age: float | None = None
    reason: str | None = None
    retry_after: float = 1.0
    requests: tuple[Sent, ...] = ()
