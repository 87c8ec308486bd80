"""psycopg's async connection, with an end to every wait for its server.

A frozen server, or a network that drops packets, answers nothing and closes nothing, and no timeout of the server's own
is of use then. All that psycopg does over an open connection waits in one method, `AsyncConnection.wait`: queries,
BEGIN, COMMIT and ROLLBACK, the pages of a server-side cursor, the pool's health check. So the deadline is there, and
costs no task and no timer beyond psycopg's own.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import psycopg
import structlog
from django.conf import settings
from psycopg.abc import RV, PQGen
from psycopg.errors import QueryCanceled, _WaitTimeout
from psycopg.pq import TransactionStatus
from psycopg.waiting import wait_async

# For the server to end a query whose task is cancelled; a connection that it does not end in time is closed.
CANCEL_SECONDS = 0.5
# How often psycopg looks up from its wait.
_INTERVAL = 0.1
_INTERRUPTED = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)

logger = structlog.get_logger(__name__)
_deadline: ContextVar[float | None] = ContextVar("_deadline", default=None)


class NoAnswer(psycopg.OperationalError):
    """The server did not answer in time: whether it did what it was asked is unknown, and the connection is closed."""


@contextlib.contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Each query within the block may take `seconds` instead of `DATABASE_QUERY_TIMEOUT`; None changes nothing."""
    if seconds is None:
        yield
        return
    token = _deadline.set(seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class BoundedConnection(psycopg.AsyncConnection[Any]):
    """A connection that is closed for good where its server is silent for too long."""

    async def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:  # noqa: ASYNC109 - psycopg's signature
        """One exchange with the server; raises `NoAnswer` where it is not over in time.

        psycopg's own, when cancelled, may spend ten seconds more on asking a silent server to stop.
        """
        if timeout is not None:
            # Whoever gives a timeout expects it to pass, and the connection to be of use after it.
            return await super().wait(gen, interval, timeout)
        limit = _deadline.get() or settings.DATABASE_QUERY_TIMEOUT
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=limit)
        except _WaitTimeout:
            self.pgconn.finish()
            logger.warning("database.no_answer", seconds=limit)
            raise NoAnswer(f"no answer within {limit:g} s") from None
        except _INTERRUPTED:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                await self._stop(gen)
            raise

    async def _stop(self, gen: PQGen[Any]) -> None:
        """Have the server end the query, and keep the connection if it does."""
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await self.cancel_safe(timeout=CANCEL_SECONDS)
                await wait_async(gen, self.pgconn.socket, interval=_INTERVAL)
        except QueryCanceled:
            pass
        except Exception as error:  # noqa: BLE001 - what interrupted the query is raised, not what went wrong after it
            logger.warning("database.not_cancelled", reason=type(error).__name__)
            self.pgconn.finish()
        except BaseException:
            self.pgconn.finish()
            raise
