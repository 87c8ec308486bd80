"""A bulkhead: however slow one upstream is, it holds only so many requests, and only so many wait for it."""

import asyncio


class BulkheadFull(Exception):
    """All places are taken and all places to wait too."""


class Bulkhead:
    """`limit` places, and `line` to wait for one; in the order of their coming, which is the semaphore's doing."""

    def __init__(self, limit: int, line: int) -> None:
        self._places = asyncio.Semaphore(limit)
        self._line = line
        self.inside = self.waiting = 0

    def full(self) -> bool:
        """Whether there is no place right now."""
        return self._places.locked()

    async def enter(self) -> None:
        """Take a place, waiting for one if need be; raises `BulkheadFull` where too many wait already."""
        if self._places.locked():
            if self.waiting >= self._line:
                raise BulkheadFull
            self.waiting += 1
            try:
                await self._places.acquire()
            finally:
                self.waiting -= 1
        else:
            # Not a moment is waited here, so nobody comes in between.
            await self._places.acquire()
        self.inside += 1

    def leave(self) -> None:
        """Give the place to the next."""
        self.inside -= 1
        self._places.release()
