"""Metrics of the process's pool of asynchronous connections, taken from the pool's own statistics once a second."""

from contextlib import AbstractAsyncContextManager

from prometheus_client import Counter, Gauge

from chassis.background import repeated
from chassis.database.waiting import BoundedPool

INTERVAL = 1.0
CONNECTIONS = Gauge("millrace_pool_connections", "Connections to PostgreSQL", multiprocess_mode="livesum")
IN_USE = Gauge("millrace_pool_connections_in_use", "Connections that are lent to a task", multiprocess_mode="livesum")
WAITING = Gauge("millrace_pool_waiting", "Tasks that wait for a connection", multiprocess_mode="livesum")
WAITS = Counter("millrace_pool_waits_total", "Times that a task had to wait for a connection")
WAIT_SECONDS = Counter("millrace_pool_wait_seconds_total", "Time that tasks have waited for a connection")
REFUSED = Counter(
    "millrace_pool_refused_total", "Times that a task got no connection in time, or could not wait for one"
)


def watched() -> AbstractAsyncContextManager[None]:
    """A lifespan resource: keeps the metrics up to date while the process runs."""
    return repeated(_Sampler().sample, every=INTERVAL)


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
