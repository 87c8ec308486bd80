"""One socket's subscription to the bus, bounded in time.

Without Redis a socket still opens: history, posting and acknowledgements come from PostgreSQL.
"""

import asyncio
from typing import Any

import structlog
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

TIMEOUT = 1.0


class Subscription:
    """Receives what is published to one group from `open` on."""

    def __init__(self) -> None:
        self._layer: Any = get_channel_layer()
        self._group = self._channel = ""
        self._opened = asyncio.Event()
        self.live = False

    async def open(self, group: str) -> None:
        """Listen to `group`; `live` says whether Redis took it."""
        self._group = group
        try:
            async with asyncio.timeout(TIMEOUT):
                self._channel = await self._layer.new_channel()
                self._opened.set()
                await self._layer.group_add(group, self._channel)
            self.live = True
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("bus.subscribe_failed", group=group, reason=type(error).__name__)

    async def receive(self) -> dict[str, Any]:
        """The next message; for ever nothing where the subscription could not be opened."""
        await self._opened.wait()
        message: dict[str, Any] = await self._layer.receive(self._channel)
        return message

    async def close(self) -> None:
        """Leave the group. The channel itself ends with the cancellation of its `receive`, as the layer has it."""
        if not self._channel:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._layer.group_discard(self._group, self._channel)
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("bus.unsubscribe_failed", group=self._group, reason=type(error).__name__)
