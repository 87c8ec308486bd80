"""Threads for synchronous code: a fixed number of them, each leased to one request at a time.

asgiref starts and joins a thread for every request that runs sync code, which is slow to begin with and unbounded under
load. Here a request that needs a thread leases one and keeps it to its end, so its sync code runs on one thread
(thread-sensitivity) with one database connection. If all threads are leased it waits, and if too many wait already it
is refused. A request that runs no sync code never touches the pool and is never delayed by it.

All methods are called on the event loop's thread. `threads` is the context of one request; `sync_pool()` is the
process's pool.
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


class SyncPoolExhausted(Exception):
    """All threads are leased, and as many requests as may wait for one do."""


class SyncPool:
    """`size` reusable threads, each an executor, and at most `max_waiting` requests that wait for one."""

    def __init__(self, size: int, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self._free = deque(
            ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sync-thread-{number}") for number in range(size)
        )
        self._waiting: deque[ThreadLease] = deque()

    def acquire(self, lease: "ThreadLease") -> ThreadPoolExecutor | None:
        """A free thread, or None after queueing `lease`; raises `SyncPoolExhausted` if the queue is full."""
        if self._free:
            # Last in, first out: under light load one thread stays warm instead of all of them taking turns.
            return self._free.pop()
        if len(self._waiting) >= self.max_waiting:
            raise SyncPoolExhausted("Too many synchronous requests")
        self._waiting.append(lease)
        return None

    def withdraw(self, lease: "ThreadLease") -> None:
        """Take `lease` out of the queue."""
        if lease in self._waiting:
            self._waiting.remove(lease)

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """Hand `thread` to the request that has waited longest, or keep it free."""
        if self._waiting:
            self._waiting.popleft().start(thread)
        else:
            self._free.append(thread)


class ThreadLease:
    """One request's claim on a thread; takes one only when something is submitted, and keeps it to the end."""

    __slots__ = ("_over", "_pool", "_queued", "_thread")

    def __init__(self, pool: SyncPool) -> None:
        self._pool = pool
        self._thread: ThreadPoolExecutor | None = None
        self._queued: deque[tuple[Future[Any], Callable[[], Any]]] | None = None
        self._over = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` on this request's thread, after waiting for one if none is free."""
        if self._over:
            raise RuntimeError("The request is over: tasks that run synchronous code must finish before it")
        if self._thread is None and self._queued is None:
            self._thread = self._pool.acquire(self)
        if self._thread is not None:
            return self._thread.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        if self._queued is None:
            self._queued = deque()
        self._queued.append((future, lambda: fn(*args, **kwargs)))
        return future

    def start(self, thread: ThreadPoolExecutor) -> None:
        """Begin what was queued, on `thread`."""
        self._thread = thread
        queued, self._queued = self._queued, None
        for future, call in queued or ():
            thread.submit(_run, future, call)

    @property
    def used(self) -> bool:
        """True if anything was submitted."""
        return self._thread is not None or self._queued is not None

    async def release(self) -> None:
        """Give the thread back, with its database connection returned to the pool."""
        self._over = True
        if self._queued is not None:
            self._queued = None
            self._pool.withdraw(self)
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        closed = thread.submit(_close)
        # The thread goes back even if this request's task is cancelled while its connection is being returned.
        loop = asyncio.get_running_loop()
        closed.add_done_callback(lambda _: loop.call_soon_threadsafe(self._pool.give_back, thread))
        await asyncio.wrap_future(closed)

    def end(self) -> None:
        """Refuse what a task that outlives the request would still submit; for a lease that was not used."""
        self._over = True


def _close() -> None:
    # What Django does on this thread at the end of a request, by receivers of `request_finished`.
    close_old_connections()
    close_caches()


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - the waiting side must see whatever ended the call
        future.set_exception(error)


@cache
def sync_pool() -> SyncPool:
    """This process's pool: as many threads as the setting `SYNC_THREADS` says, or 8."""
    size = getattr(settings, "SYNC_THREADS", 8)
    return SyncPool(size, 16 * size)


_lease: ContextVar[ThreadLease] = ContextVar("request_lease")


class _OfTheRequest(Executor):
    """What asgiref gets as the executor of every request: a call goes to the lease of the request that makes it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` on the current request's thread."""
        return _lease.get().submit(fn, *args, **kwargs)


# One context for all requests: asgiref's own is entered and left with several objects and look-ups for each.
_context = ThreadSensitiveContext()
SyncToAsync.context_to_thread_executor[_context] = _OfTheRequest()


class threads:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """`with threads() as lease`: thread-sensitive code in the block, and in tasks started in it, runs on one thread."""

    __slots__ = ("_lease", "_outer", "_outer_lease")

    def __enter__(self) -> ThreadLease:
        self._lease = ThreadLease(sync_pool())
        self._outer_lease = _lease.set(self._lease)
        self._outer = SyncToAsync.thread_sensitive_context.set(_context)
        return self._lease

    def __exit__(self, *_: object) -> None:
        self._lease.end()
        SyncToAsync.thread_sensitive_context.reset(self._outer)
        _lease.reset(self._outer_lease)
