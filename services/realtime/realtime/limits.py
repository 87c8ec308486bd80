"""How fast one socket may send, and how many sockets one sender may have."""

import time
from collections import Counter
from collections.abc import Callable


class TokenBucket:
    """Allows `burst` uses at once and `per_second` on average."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = self._tokens = burst
        self._per_second = per_second
        self._clock = clock
        self._at = clock()

    def take(self) -> bool:
        """Use one; False where there is none left, which costs nothing."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Places:
    """Counts what each key holds, up to a bound."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def take(self, key: str, most: int) -> bool:
        """Hold one more; False where `key` holds `most` already."""
        if self._held[key] >= most:
            return False
        self._held[key] += 1
        return True

    def free(self, key: str) -> None:
        """Hold one less."""
        self._held[key] -= 1
        # A key without any leaves nothing behind.
        if self._held[key] <= 0:
            del self._held[key]

    def __len__(self) -> int:
        return len(self._held)


# In process: a bound against one sender who fills this process's memory, without a round trip, and without Redis too.
# Over all processes the leases in Redis are counted (`rooms.presence`).
places = Places()
