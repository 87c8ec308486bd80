"""One Redis server of a layer: a connection to listen, and some to publish that it shares nothing with."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from channels_redis.utils import create_pool
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from pubsub_layer.pools import checked
from pubsub_layer.subscriptions import Subscriptions

# Connections to publish, at most: those who come when all are busy wait, within their own timeout.
PUBLISHERS = 32


class Shard:
    """Publishes to, and listens at, one server."""

    def __init__(
        self,
        host: Mapping[str, Any],
        *,
        timeout: float,
        on_message: Callable[[str, bytes], None],
        on_loss: Callable[[Iterable[str]], None],
    ) -> None:
        bounds = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        # RESP2: redis-py formats a log line for every pub/sub message of RESP3, whether or not it is logged.
        listening: ConnectionPool = checked(create_pool({**bounds, **host, "protocol": 2}))
        self._timeout = timeout
        self._publishing: ConnectionPool = checked(create_pool({**bounds, **host}))
        self._redis: Redis = Redis(connection_pool=self._publishing)
        self._slots = asyncio.Semaphore(PUBLISHERS)
        self.subscriptions = Subscriptions(listening, timeout=timeout, on_message=on_message, on_loss=on_loss)

    async def publish(self, name: str, data: bytes) -> None:
        """Publish within the timeout; raises `redis.exceptions.ConnectionError` or `TimeoutError`."""
        try:
            async with asyncio.timeout(self._timeout), self._slots:
                await self._redis.publish(name, data)
        except TimeoutError:
            raise RedisTimeoutError(f"Not published within {self._timeout} s") from None

    async def close(self) -> None:
        """Close all connections; the next use opens them again."""
        await self.subscriptions.close()
        await self._publishing.disconnect()
