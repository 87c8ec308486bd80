"""What the answers of one trial were."""

import time
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from bench.errors import WrongAnswer
from bench.load.wire import Request, Response


class _Leg(msgspec.Struct):
    status: str


class _Meta(msgspec.Struct):
    partial: bool
    ms: float
    deadline_ms: float
    legs: dict[str, _Leg]


class _Body(msgspec.Struct):
    meta: _Meta


_decode = msgspec.json.Decoder(_Body).decode


@dataclass(slots=True)
class Tally:
    """`kinds`: answers that were `whole` or `stale` (whole, with rows of before), `partial`, or `failed` (503).

    `over_ms`: by how much the slowest answer was later than its deadline, by the api's own clock. `arrived`: when each
    answer came. Raises `WrongAnswer` for an answer that the api may never give.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    over_ms: float = float("-inf")
    arrived: list[float] = field(default_factory=list)

    def __call__(self, request: Request, response: Response) -> None:
        """One more answer."""
        self.arrived.append(time.perf_counter())
        if response.status not in {200, 503}:
            raise WrongAnswer(f"status {response.status}: {response.body[:300]!r}")
        meta = _decode(response.body).meta
        self.over_ms = max(self.over_ms, meta.ms - meta.deadline_ms)
        self.kinds[_kind(response.status, meta)] += 1


def _kind(status: int, meta: _Meta) -> str:
    if status == 503:
        return "failed"
    if meta.partial:
        return "partial"
    return "stale" if any(leg.status == "stale" for leg in meta.legs.values()) else "whole"
