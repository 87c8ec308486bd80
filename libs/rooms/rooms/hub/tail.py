"""The newest messages of a room, encoded: what a member that comes back has missed is mostly in here."""

from collections import deque
from itertools import islice

type Numbered = tuple[int, bytes]

MAX_COUNT = 200
MAX_BYTES = 256 * 1024


class Tail:
    """Every message after number `start` that was delivered here, oldest first; bounded in number and in bytes."""

    def __init__(self, start: int = 0, *, max_count: int = MAX_COUNT, max_bytes: int = MAX_BYTES) -> None:
        self.start = start
        self._frames: deque[Numbered] = deque()
        self._bytes = 0
        self._max_count = max_count
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, seq: int, frame: bytes) -> None:
        """Add the next message; the oldest make room."""
        self._frames.append((seq, frame))
        self._bytes += len(frame)
        while len(self._frames) > self._max_count or self._bytes > self._max_bytes:
            self.start, dropped = self._frames.popleft()
            self._bytes -= len(dropped)

    def after(self, seq: int) -> list[Numbered] | None:
        """All that follow number `seq`; None where some of them are not here any more."""
        if seq < self.start:
            return None
        following = []
        for numbered in reversed(self._frames):
            if numbered[0] <= seq:
                break
            following.append(numbered)
        return following[::-1]

    def newest(self, count: int) -> list[Numbered] | None:
        """The newest `count`, or all there are; None where some of them are not here."""
        if len(self._frames) < count and self.start > 0:
            return None
        return list(islice(self._frames, max(0, len(self._frames) - count), None))
