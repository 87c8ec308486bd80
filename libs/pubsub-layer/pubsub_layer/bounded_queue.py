"""The bounded queue of one channel."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final, Literal


class Mark(Enum):
    """What is in a queue besides messages."""

    LOST = "messages were lost here"


LOST: Final = Mark.LOST

type Item = bytes | Literal[Mark.LOST]


class BoundedQueue:
    """At most `capacity` messages, still serialized, in order; one more, and a mark of loss takes their place.

    Calls `on_abandoned` once nobody has waited for `abandoned_after` seconds since a reader was cancelled.
    """

    def __init__(self, capacity: int, on_abandoned: Callable[[], None], abandoned_after: float) -> None:
        self.groups: set[str] = set()
        self._capacity = capacity
        self._on_abandoned = on_abandoned
        self._abandoned_after = abandoned_after
        self._items: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._readers = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, message: bytes) -> bool:
        """Add a message; False if there was no room and everything waiting became one mark of loss instead."""
        if len(self._items) < self._capacity:
            self._add(message)
            return True
        # A reader that far behind reads faster from where the messages are stored than one by one from here.
        self._items.clear()
        self.put_loss()
        return False

    def put_loss(self) -> None:
        """Mark that messages were lost here. Nothing between two marks makes them one."""
        if not self._items or self._items[-1] is not LOST:
            self._add(LOST)

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self._filled.set()

    async def get(self) -> Item:
        """Wait for the next item. There is no await between taking and returning it, so cancellation loses nothing."""
        self._readers += 1
        self._stop_timer()
        try:
            while not self._items:
                self._filled.clear()
                await self._filled.wait()
            return self._items.popleft()
        except asyncio.CancelledError:
            if self._readers == 1 and not self._closed:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(self._abandoned_after, self._on_abandoned)
            raise
        finally:
            self._readers -= 1

    def close(self) -> None:
        """Nobody is told any more of it being abandoned."""
        self._closed = True
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
