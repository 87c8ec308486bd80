"""Threads for synchronous code: a fixed set of lanes, each one thread, leased to one request at a time.

asgiref starts and joins a thread for every request that runs sync code, which is slow to begin with and unbounded under
load. Here a request that needs a thread leases a lane and keeps it to its end, so its sync code runs on one thread
(thread-sensitivity) with one database connection; where all lanes are taken it waits, and where too many wait already
it is refused. A request that runs no sync code never touches a lane and is never delayed by one.

All methods are called on the event loop's thread. `threads` is the context of one request; `lanes()` are the process's.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.conf import settings
from django.core.cache import close_caches
from django.db import close_old_connections


class LanesBusy(Exception):
    """All lanes are taken, and as many requests as may wait for one do."""


class Lanes:
    """`size` reusable single-thread executors and at most `max_waiting` requests waiting for one."""

    def __init__(self, size: int, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self._free = deque(
            ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sync-lane-{number}") for number in range(size)
        )
        self._waiting: deque[Lease] = deque()

    def acquire(self, lease: "Lease") -> ThreadPoolExecutor | None:
        """A free lane, or None after queueing `lease`; raises `LanesBusy` where the queue is full."""
        if self._free:
            # Last in, first out: under light load one thread stays warm instead of all of them taking turns.
            return self._free.pop()
        if len(self._waiting) >= self.max_waiting:
            raise LanesBusy("Too many synchronous requests")
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


class Lease:
    """One request's claim on a lane; takes one only when something is submitted, and keeps it to the end."""

    __slots__ = ("_lane", "_lanes", "_over", "_queued")

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._lane: ThreadPoolExecutor | None = None
        self._queued: deque[tuple[Future[Any], Callable[[], Any]]] | None = None
        self._over = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` on this request's lane, after waiting for one where none is free."""
        if self._over:
            raise RuntimeError("The request is over: tasks that run synchronous code must finish before it")
        if self._lane is None and self._queued is None:
            self._lane = self._lanes.acquire(self)
        if self._lane is not None:
            return self._lane.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        if self._queued is None:
            self._queued = deque()
        self._queued.append((future, lambda: fn(*args, **kwargs)))
        return future

    def start(self, lane: ThreadPoolExecutor) -> None:
        """Begin what was queued, on `lane`."""
        self._lane = lane
        queued, self._queued = self._queued, None
        for future, call in queued or ():
            lane.submit(_settle, future, call)

    @property
    def used(self) -> bool:
        """True if anything was submitted."""
        return self._lane is not None or self._queued is not None

    async def release(self) -> None:
        """Give the lane back, with its database connection returned to the pool."""
        self._over = True
        if self._queued is not None:
            self._queued = None
            self._lanes.withdraw(self)
        if self._lane is None:
            return
        lane, self._lane = self._lane, None
        closed = lane.submit(_close)
        # The lane goes back even if this request's task is cancelled while its connection is being returned.
        loop = asyncio.get_running_loop()
        closed.add_done_callback(lambda _: loop.call_soon_threadsafe(self._lanes.give_back, lane))
        await asyncio.wrap_future(closed)

    def end(self) -> None:
        """Refuse what a task that outlives the request would still submit; for a lease that was not used."""
        self._over = True


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
    """This process's lanes: as many as the setting `SYNC_THREADS` says, or 8."""
    size = getattr(settings, "SYNC_THREADS", 8)
    return Lanes(size, 16 * size)


_lease: ContextVar[Lease] = ContextVar("request_lease")


class _OfTheRequest(Executor):
    """What asgiref gets as the executor of every request: a call goes to the lease of the request that makes it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` on the current request's lane."""
        return _lease.get().submit(fn, *args, **kwargs)


# One context for all requests: asgiref's own is entered and left with several objects and look-ups for each.
_context = ThreadSensitiveContext()
SyncToAsync.context_to_thread_executor[_context] = _OfTheRequest()


class threads:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """`with threads() as lease`: thread-sensitive code in the block, and in tasks started in it, runs on one lane."""

    __slots__ = ("_lease", "_outer", "_outer_lease")

    def __enter__(self) -> Lease:
        self._lease = Lease(lanes())
        self._outer_lease = _lease.set(self._lease)
        self._outer = SyncToAsync.thread_sensitive_context.set(_context)
        return self._lease

    def __exit__(self, *_: object) -> None:
        self._lease.end()
        SyncToAsync.thread_sensitive_context.reset(self._outer)
        _lease.reset(self._outer_lease)
