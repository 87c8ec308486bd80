"""How long to wait: before the next connection, and before the next frame."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# What the server takes, less a little: frames that bunch up on the way must not look too fast.
BURST, PER_SECOND = 18, 9.5


@dataclass
class Backoff:
    """Full jitter: each delay is drawn between nothing and a bound that doubles up to `cap` (all in seconds).

    Everybody who lost a connection at the same moment comes back at another one. A connection that lived for
    `lasted` sets the bound back to `base`; a fifth of it is the base where the server asks to come back at once.
    """

    base: float = 0.5
    cap: float = 30.0
    lasted: float = 5.0
    uniform: Callable[[float, float], float] = random.uniform
    _attempt: int = field(default=0, init=False, repr=False)

    def delay(self, *, at_once: bool = False) -> float:
        """The next delay."""
        base = self.base / 5 if at_once else self.base
        # 2 ** 30 times any base is beyond any cap; more would overflow one day.
        bound = min(self.cap, base * 2 ** min(self._attempt, 30))
        self._attempt += 1
        return self.uniform(0, bound)

    def reset(self) -> None:
        """All is well again."""
        self._attempt = 0


class Pace:
    """A token bucket: `burst` frames at once and `per_second` on average. A connection has its own."""

    def __init__(
        self, burst: float = BURST, per_second: float = PER_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = self._tokens = burst
        self._per_second = per_second
        self._clock = clock
        self._at = clock()

    def take(self, spare: float = 0) -> float:
        """0 where a frame may go now, which counts, and `spare` more could; else the seconds until then."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens >= 1 + spare:
            self._tokens -= 1
            return 0
        # Never 0, and enough for the rounding of a clock.
        return (1 + spare - self._tokens) / self._per_second + 0.001

    def drain(self) -> None:
        """The server says that it was too fast: start over from nothing."""
        self._tokens = 0
        self._at = self._clock()
