"""A quantile of what was measured lately."""

from collections import deque
from itertools import count


class MovingQuantile:
    """The smallest of the last `size` values that `share` of them do not exceed; brought up to date every `every`."""

    def __init__(self, share: float, *, size: int = 200, least: int = 20, every: int = 10) -> None:
        self._share = share
        self._least = least
        self._every = every
        self._values: deque[float] = deque(maxlen=size)
        self._number = count(1)
        self._value: float | None = None

    def add(self, value: float) -> None:
        """One more value."""
        self._values.append(value)
        number = next(self._number)
        if number >= self._least and (number - self._least) % self._every == 0:
            ordered = sorted(self._values)
            self._value = ordered[max(0, -int(-self._share * len(ordered) // 1) - 1)]

    @property
    def value(self) -> float | None:
        """None before there were `least` values."""
        return self._value
