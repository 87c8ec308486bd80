"""Metrics of PostgreSQL as this process sees it.

Once a second the numbers of its pool of asynchronous connections, taken from the pool's own statistics; every five
seconds whether the server answers.
"""

import contextlib
from collections.abc import AsyncIterator
from functools import cache

import structlog
from django.db import Error as DatabaseError
from prometheus_client import Counter, Gauge

from chassis.background import repeated
from chassis.database.statements import ping
from chassis.database.waiting import BoundedPool

INTERVAL = 1.0
PING_INTERVAL = 5.0
CONNECTIONS = Gauge("millrace_pool_connections", "Connections to PostgreSQL", multiprocess_mode="livesum")
IN_USE = Gauge("millrace_pool_connections_in_use", "Connections that are lent to a task", multiprocess_mode="livesum")
WAITING = Gauge("millrace_pool_waiting", "Tasks that wait for a connection", multiprocess_mode="livesum")
WAITS = Counter("millrace_pool_waits_total", "Times that a task had to wait for a connection")
WAIT_SECONDS = Counter("millrace_pool_wait_seconds_total", "Time that tasks have waited for a connection")
REFUSED = Counter(
    "millrace_pool_refused_total", "Times that a task got no connection in time, or could not wait for one"
)


logger = structlog.get_logger(__name__)


@cache
def up() -> Gauge:
    """The metric `millrace_database_up`, made when the first value is known.

    Several workers share one directory of values. A gauge is 0 there from when it is made, and the lowest value of the
    living processes counts, so that a process that never asks (uvicorn's parent) must not have one.
    """
    return Gauge(
        "millrace_database_up", "1 if PostgreSQL answered when it was last asked, else 0", multiprocess_mode="livemin"
    )


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """A lifespan resource: keeps the metrics up to date while the process runs."""
    async with repeated(_Sampler().sample, every=INTERVAL), repeated(_Ping().sample, every=PING_INTERVAL, at_once=True):
        yield


class _Ping:
    """Asks PostgreSQL for a sign of life, and logs when that changes."""

    def __init__(self) -> None:
        self._up = True

    async def sample(self) -> None:
        """One round trip in bounded time; it waits for no place in the pool, however busy that is."""
        reason = ""
        try:
            await ping()
        except (DatabaseError, OSError) as error:
            reason = str(error) or type(error).__name__
        up().set(not reason)
        if reason and self._up:
            logger.warning("database.away", reason=reason)
        elif not reason and not self._up:
            logger.info("database.back")
        self._up = not reason


class _Sampler:
    """Turns what the pool has counted since it was opened into counters of the process."""

    def __init__(self) -> None:
        self._pool: BoundedPool | None = None
        self._counted: dict[str, int] = {}

    async def sample(self) -> None:
        """One look at the pool, without a round trip."""
        pool = BoundedPool.process
        if pool is None:
            return
        if pool is not self._pool:
            self._pool, self._counted = pool, {}
        stats = pool.get_stats()
        size, available = stats.get("pool_size", 0), stats.get("pool_available", 0)
        CONNECTIONS.set(size)
        IN_USE.set(max(0, size - available))
        WAITING.set(pool.waiting)
        for counter, name, unit in (
            (WAITS, "requests_queued", 1),
            (WAIT_SECONDS, "requests_wait_ms", 1000),
            (REFUSED, "requests_errors", 1),
        ):
            counter.inc((stats.get(name, 0) - self._counted.get(name, 0)) / unit)
        self._counted = stats
