"""A moment by which all of it has to be over, and how other services are told of it."""

import time
from collections.abc import Callable

# Milliseconds that are left, in whole numbers: what is left does not depend on whose clock is right.
HEADER = "X-Deadline-Ms"
_MOST_DIGITS = 7


class Deadline:
    """A moment on a monotonic clock."""

    __slots__ = ("_at", "_clock")

    def __init__(self, at: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._at = at
        self._clock = clock

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> "Deadline":
        """`seconds` from now."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds that are left; 0 where it has passed."""
        return max(0.0, self._at - self._clock())

    def header(self) -> str:
        """The value of `HEADER`: rounded down, so that whoever keeps to it is in time."""
        return str(int(self.remaining() * 1000))


def read(value: str | None) -> float | None:
    """Seconds that a caller gives, by the value of its `HEADER`; None where it gives no limit, or none that is one."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > _MOST_DIGITS:
        return None
    return int(value) / 1000
