"""The last good answers of an upstream in this process's memory: fresh for a moment, stale for a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Copy[Value]:
    """An answer: what was made of it, its bytes, and when it came, in seconds of the wall clock."""

    value: Value
    body: bytes
    at: float


class Copies[Value]:
    """At most `most` copies and `most_bytes` bytes; the one that was put longest ago goes first.

    The clock is the wall's, as copies are shared with other processes and outlive them.
    """

    def __init__(
        self,
        *,
        fresh_for: float,
        stale_for: float,
        most: int = 512,
        most_bytes: int = 16 * 1024 * 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fresh_for, self._stale_for = fresh_for, stale_for
        self._most, self._most_bytes = most, most_bytes
        self._clock = clock
        self._copies: dict[str, Copy[Value]] = {}
        self.size = 0

    def put(self, key: str, value: Value, body: bytes, at: float | None = None) -> Copy[Value]:
        """Keep an answer that came just now, or at `at`."""
        copy = Copy(value, body, self._clock() if at is None else at)
        self._drop(key)
        self._copies[key] = copy
        self.size += len(body)
        while len(self._copies) > self._most or self.size > self._most_bytes:
            self._drop(next(iter(self._copies)))
        return copy

    def fresh(self, key: str) -> Copy[Value] | None:
        """One that may serve instead of a request."""
        copy = self._copies.get(key)
        return copy if copy is not None and self.is_fresh(copy.at) else None

    def stale(self, key: str) -> Copy[Value] | None:
        """One that may serve where a request failed."""
        copy = self._copies.get(key)
        return copy if copy is not None and self.is_usable(copy.at) else None

    def is_fresh(self, at: float) -> bool:
        """Whether an answer of then is."""
        return self.age(at) < self._fresh_for

    def is_usable(self, at: float) -> bool:
        """Whether an answer of then is better than none."""
        return self.age(at) < self._stale_for

    def age(self, at: float) -> float:
        """Seconds since then; not less than 0, whatever was done to the clock."""
        return max(0.0, self._clock() - at)

    def __len__(self) -> int:
        return len(self._copies)

    def _drop(self, key: str) -> None:
        copy = self._copies.pop(key, None)
        if copy is not None:
            self.size -= len(copy.body)
