"""psycopg's pools, without what blocks them for good after an outage."""

from collections import deque
from typing import Any

from psycopg_pool import AsyncConnectionPool


class BoundedPool(AsyncConnectionPool[Any]):
    """A pool whose `max_waiting` counts those who wait.

    psycopg_pool (3.3) leaves those who gave up in its queue until a connection is handed out. With the server away for
    long the queue is full of them, and every request is refused before the pool would try to connect again: also when
    the server is back.
    """

    async def _get_ready_connection(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - psycopg_pool's
        if self.max_waiting and len(self._waiting) >= self.max_waiting:
            self._waiting = deque(client for client in self._waiting if client.error is None)
        return await super()._get_ready_connection(timeout)
