"""A circuit breaker: an upstream that fails is left alone for a while, then tried with a few requests.

        failures are `share` of at least `volume` requests in `window` seconds
closed ------------------------------------------------------------------------> open
  ^                                                                              |  ^
  |  `probes` requests succeed                                `open_for` seconds |  | one fails
  +---------------------------------- half-open <--------------------------------+  |
                                          +-----------------------------------------+
"""

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half-open"]
_SLOTS = 10


class Breaker:
    """The state of one upstream, as one process sees it. Whoever is let in says with `settle` how it went, once."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        window: float = 10.0,
        volume: int = 20,
        share: float = 0.5,
        open_for: float = 5.0,
        probes: int = 3,
        changed: Callable[[State], None] = lambda state: None,
    ) -> None:
        self._clock, self._changed = clock, changed
        self._volume, self._share, self._open_for, self._probes = volume, share, open_for, probes
        self._window = _Window(window)
        self._open_until = 0.0
        self._out = self._passed = 0
        # Counts the states: how a request went that began in an earlier one says nothing about this one.
        self._turn = 0
        self.state: State = "closed"

    def admit(self) -> int | None:
        """A ticket for one request, or None where it may not be sent."""
        if self.state == "open" and self._clock() >= self._open_until:
            self._become("half-open")
        if self.state == "closed":
            return self._turn
        if self.state == "open" or self._out + self._passed >= self._probes:
            return None
        self._out += 1
        return self._turn

    def refuses(self) -> bool:
        """Whether `admit` would give no ticket now; takes none."""
        if self.state == "closed":
            return False
        if self.state == "open":
            return self._clock() < self._open_until
        return self._out + self._passed >= self._probes

    def settle(self, ticket: int, ok: bool | None) -> None:
        """How the request of `ticket` went; None where it was given up before that could be known."""
        if ticket != self._turn:
            return
        if self.state == "closed":
            if ok is not None:
                self._count(ok)
            return
        self._out -= 1
        if ok is False:
            self._open()
        elif ok:
            self._passed += 1
            if self._passed >= self._probes:
                self._become("closed")

    def retry_after(self) -> float:
        """Seconds until it may be tried again; 0 where it may now."""
        return max(0.0, self._open_until - self._clock()) if self.state == "open" else 0.0

    def _count(self, ok: bool) -> None:
        requests, failures = self._window.add(self._clock(), failed=not ok)
        if not ok and requests >= self._volume and failures >= requests * self._share:
            self._open()

    def _open(self) -> None:
        self._open_until = self._clock() + self._open_for
        self._become("open")

    def _become(self, state: State) -> None:
        self._turn += 1
        self._out = self._passed = 0
        self._window.clear()
        self.state = state
        self._changed(state)


class _Window:
    """Requests and failures of the last `seconds`, give or take a tenth."""

    def __init__(self, seconds: float) -> None:
        self._width = seconds / _SLOTS
        self.clear()

    def clear(self) -> None:
        self._slot = 0
        self._requests = [0] * _SLOTS
        self._failures = [0] * _SLOTS

    def add(self, now: float, *, failed: bool) -> tuple[int, int]:
        """Count one; both sums with it."""
        slot = int(now / self._width)
        if slot > self._slot:
            for passed in range(max(self._slot + 1, slot - _SLOTS + 1), slot + 1):
                self._requests[passed % _SLOTS] = self._failures[passed % _SLOTS] = 0
            self._slot = slot
        place = self._slot % _SLOTS
        self._requests[place] += 1
        self._failures[place] += failed
        return sum(self._requests), sum(self._failures)
