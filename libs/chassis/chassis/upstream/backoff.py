"""Exponential backoff with full jitter: whoever failed together does not come back together."""

import random
from collections.abc import Callable


class Backoff:
    """After the first attempt anything up to `base` seconds, then up to twice as much, and so on up to `cap`."""

    __slots__ = ("_base", "_cap", "_luck")

    def __init__(self, base: float, cap: float, luck: Callable[[], float] = random.random) -> None:
        self._base = base
        self._cap = cap
        self._luck = luck

    def delay(self, attempts: int) -> float:
        """Seconds to wait after so many attempts (1 and more)."""
        most: float = min(self._cap, self._base * 2 ** (attempts - 1))
        return self._luck() * most
