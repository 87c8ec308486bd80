"""Threads for synchronous code: a fixed set of lanes, each one thread, leased to one request at a time.

asgiref starts and joins a thread for every request that runs sync code, which is slow to begin with and unbounded under
load. Here a request that needs a thread leases a lane and keeps it to its end, so its sync code runs on one thread
(thread-sensitivity) with one database connection; where all lanes are taken it waits, and where too many wait already
it is refused. A request that runs no sync code never touches a lane and is never delayed by one.

All methods are called on the event loop's thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache import close_caches
from django.db import close_old_connections

from chassis.errors import Unavailable


class Lanes:
    """`size` reusable single-thread executors and at most `max_waiting` requests waiting for one."""

    def __init__(self, size: int, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self._free = deque(
            ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sync-lane-{number}") for number in range(size)
        )
        self._waiting: deque[Lease] = deque()

    def lease(self) -> "Lease":
        """A lease for one request; takes a lane only when something is submitted to it."""
        return Lease(self)

    def acquire(self, lease: "Lease") -> ThreadPoolExecutor | None:
        """A free lane, or None after queueing `lease`; raises `Unavailable` where the queue is full."""
        if self._free:
            # Last in, first out: under light load one thread stays warm instead of all of them taking turns.
            return self._free.pop()
        if len(self._waiting) >= self.max_waiting:
            raise Unavailable("Too many synchronous requests")
        self._waiting.append(lease)
        return None

    def withdraw(self, lease: "Lease") -> None:
        """Take `lease` out of the queue."""
        if lease in self._waiting:
            self._waiting.remove(lease)

    def give_back(self, lane: ThreadPoolExecutor) -> None:
        """Hand `lane` to whoever waits longest, or keep it free."""
        if self._waiting:
            self._waiting.popleft().start(lane)
        else:
            self._free.append(lane)


class Lease(Executor):
    """What asgiref's `ThreadSensitiveContext` gets as its executor for one request."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._lane: ThreadPoolExecutor | None = None
        self._queued: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` on this request's lane, after waiting for one where none is free."""
        if self._lane is None and not self._queued:
            self._lane = self._lanes.acquire(self)
        if self._lane is not None:
            return self._lane.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        self._queued.append((future, lambda: fn(*args, **kwargs)))
        return future

    def start(self, lane: ThreadPoolExecutor) -> None:
        """Begin what was queued, on `lane`."""
        self._lane = lane
        while self._queued:
            future, call = self._queued.popleft()
            lane.submit(_settle, future, call)

    async def release(self) -> None:
        """Give the lane back, with its database connection returned to the pool; nothing to do where none was taken."""
        if self._queued:
            self._queued.clear()
            self._lanes.withdraw(self)
        if self._lane is None:
            return
        lane, self._lane = self._lane, None
        closed = lane.submit(_close)
        # The lane goes back even if this request's task is cancelled while its connection is being returned.
        loop = asyncio.get_running_loop()
        closed.add_done_callback(lambda _: loop.call_soon_threadsafe(self._lanes.give_back, lane))
        await asyncio.wrap_future(closed)


def _close() -> None:
    # What Django does on this thread at the end of a request, by receivers of `request_finished`.
    close_old_connections()
    close_caches()


def _settle(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - the waiting side must see whatever ended the call
        future.set_exception(error)


@cache
def lanes() -> Lanes:
    """This process's lanes: `SYNC_THREADS` of them."""
    return Lanes(settings.SYNC_THREADS, 16 * settings.SYNC_THREADS)
