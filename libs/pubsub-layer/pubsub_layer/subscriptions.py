"""The subscriptions of one process at one Redis server: a connection that is kept up for ever.

What is to be subscribed is data (`Confirmations`), so every new connection starts from that, whatever the last one did.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from pubsub_layer.confirmations import Confirmations
from pubsub_layer.connection import Backoff, SubscriberConnection

logger = logging.getLogger(__name__)


class Subscriptions:
    """Keeps names subscribed. Calls `on_message(name, data)`, and `on_loss(names)` if messages may have been lost."""

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        timeout: float,
        on_message: Callable[[str, bytes], None],
        on_loss: Callable[[Iterable[str]], None],
    ) -> None:
        self._pool = pool
        self._timeout = timeout
        self._on_message = on_message
        self._on_loss = on_loss
        self._names = Confirmations()
        self._connection: SubscriberConnection | None = None
        self._unreachable: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._unrestored = 0
        self._lossy = False
        self._task: asyncio.Task[None] | None = None

    async def subscribe(self, name: str) -> None:
        """Returns once the server has confirmed the subscription; raises redis' `ConnectionError` or `TimeoutError`.

        What raised stays wanted, and is followed by a loss when it is confirmed after all.
        """
        if name not in self._names:
            self._names.add(name)
            self._ask(name)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="channel-layer-subscriptions")
        confirmation, unreachable = self._names[name], self._unreachable
        either: set[asyncio.Future[Any]] = {confirmation, unreachable}
        try:
            # `wait` cancels nothing and raises nothing of what it waits for, and both futures are shared.
            await asyncio.wait(either, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
            if confirmation.done():
                return
            if unreachable.done():
                raise RedisConnectionError(unreachable.result())
            # Until the server says something again, the next one need not wait as long.
            unreachable.set_result(f"No answer within {self._timeout} s")
            raise RedisTimeoutError(f"Subscription not confirmed within {self._timeout} s")
        finally:
            self._names.given_up(name, confirmation)

    def unsubscribe(self, name: str) -> None:
        """Nothing is delivered for this name from now on; the server is told when it can be."""
        if name in self._names:
            self._names.remove(name)
            if self._connection is not None:
                self._connection.write("UNSUBSCRIBE", name)

    async def close(self) -> None:
        """Close the connection and forget all names."""
        self._names = Confirmations()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._lossy = False
        self._answered()

    def _ask(self, name: str) -> None:
        if self._connection is not None:
            self._names.asked(name)
            self._connection.write("SUBSCRIBE", name)

    def _answered(self) -> None:
        if self._unreachable.done():
            self._unreachable = asyncio.get_running_loop().create_future()

    async def _run(self) -> None:
        backoff = Backoff()
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001 - whatever it is, this process' readers need the next attempt
                logger.warning("bus.subscriptions_lost", extra={"reason": _reason(error)})
            self._lossy = True
            await asyncio.sleep(backoff.after(clock() - started))

    async def _serve(self) -> None:
        connection = SubscriberConnection(self._pool, self._handle)
        try:
            await self._connect(connection)
            self._connection = connection
            names = self._names.names()
            self._unrestored = len(names)
            for name in names:
                self._ask(name)
            await connection.run()
        finally:
            self._connection = None
            self._names.connection_lost()
            await connection.close()

    async def _connect(self, connection: SubscriberConnection) -> None:
        try:
            await connection.connect()
        except Exception as error:
            if not self._unreachable.done():
                self._unreachable.set_result(_reason(error))
            raise
        self._answered()

    def _handle(self, answer: Any) -> None:
        self._answered()
        if not isinstance(answer, list) or len(answer) < 3:
            return  # to a PING
        kind, name = answer[0], answer[1].decode()
        if kind == b"message":
            self._on_message(name, answer[2])
        elif kind == b"subscribe":
            if self._names.confirmed(name):
                self._on_loss([name])
            self._restored()

    def _restored(self) -> None:
        # Answers come in order, so the first so many are to what a new connection began with. Not before the last of
        # them: who fills from a database on hearing of a loss must hear of all that is published after that.
        if self._unrestored:
            self._unrestored -= 1
            if not self._unrestored and self._lossy:
                self._names.restored()
                self._on_loss(self._names.names())


def _reason(error: Exception) -> str:
    """The error that broke it, also if it broke a group of tasks."""
    inner = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
    return f"{type(inner).__name__}: {inner}"
