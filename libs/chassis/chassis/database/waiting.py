"""psycopg's pools, without what blocks them for good after an outage, and without a round trip to look at one."""

import asyncio
import select
from collections import deque
from typing import Any, ClassVar, Self

import psycopg
from psycopg_pool import AsyncConnectionPool

from chassis.database import bounded

# For a sign of life: for its query, and for all of it with the connection that it may need.
_ANSWER_SECONDS, PING_SECONDS = 1.0, 2.0


class BoundedPool(AsyncConnectionPool[Any]):
    """A pool whose `max_waiting` counts those who wait; `process` is the one of the default database.

    psycopg_pool (3.3) leaves those who gave up in its queue until a connection is handed out. With the server away for
    long the queue is full of them, and every request is refused before the pool would try to connect again: also when
    the server is back.
    """

    process: ClassVar[Self | None] = None

    @property
    def waiting(self) -> int:
        """How many wait for a connection now; psycopg_pool's own number has those in it who gave up."""
        return sum(client.error is None for client in self._waiting)

    @staticmethod
    async def look_at(connection: "psycopg.AsyncConnection[Any]") -> None:
        """Raises `psycopg.OperationalError` for a connection that its server has closed.

        A server that ends says so, and closes: there is something to read where nobody has asked anything. Only then is
        it asked, because it may have been no more than a notice. A server that is silent, frozen or cut off, is found
        out by the statement itself, within `DATABASE_QUERY_TIMEOUT`; asking it first would take as long.
        """
        look = select.poll()
        look.register(connection.fileno(), select.POLLIN)
        if look.poll(0):
            await AsyncConnectionPool.check_connection(connection)

    async def ping(self) -> None:
        """One round trip to the server; raises `psycopg.Error` or `TimeoutError` within `PING_SECONDS` or so.

        It asks on an idle connection, or if there is none on a connection that it opens and closes. So it never waits
        behind requests, and a pool whose connections are all lent is not taken for a server that is away.
        """
        async with asyncio.timeout(PING_SECONDS):
            with bounded.deadline(_ANSWER_SECONDS):
                if self._pool:
                    await self._ping_idle()
                else:
                    await self._ping_anew()

    async def _ping_idle(self) -> None:
        connection = await self.getconn(timeout=_ANSWER_SECONDS)
        try:
            await connection.execute("SELECT 1")
        finally:
            await self.putconn(connection)

    async def _ping_anew(self) -> None:
        conninfo, options = await self._resolve_conninfo(), await self._resolve_kwargs()
        async with await self.connection_class.connect(conninfo, **options) as connection:
            await connection.execute("SELECT 1")

    async def _get_ready_connection(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - psycopg_pool's
        if self.max_waiting and len(self._waiting) >= self.max_waiting:
            self._waiting = deque(client for client in self._waiting if client.error is None)
        return await super()._get_ready_connection(timeout)
