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
    """Receives what is published to its groups from `open` on."""

    def __init__(self) -> None:
        self._layer: Any = get_channel_layer()
        self._groups: tuple[str, ...] = ()
        self._channel = ""
        self._opened = asyncio.Event()
        self.live = False

    async def open(self, *groups: str) -> None:
        """Listen to `groups`; `live` says whether Redis took it."""
        self._groups = groups
        try:
            async with asyncio.timeout(TIMEOUT):
                self._channel = await self._layer.new_channel()
                self._opened.set()
                for group in groups:
                    await self._layer.group_add(group, self._channel)
            self.live = True
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("bus.subscribe_failed", groups=groups, reason=type(error).__name__)

    async def receive(self) -> dict[str, Any]:
        """The next message; for ever nothing where the subscription could not be opened."""
        await self._opened.wait()
        message: dict[str, Any] = await self._layer.receive(self._channel)
        return message

    async def close(self) -> None:
        """Leave the groups. The channel itself ends with the cancellation of its `receive`, as the layer has it."""
        if not self._channel:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                for group in self._groups:
                    await self._layer.group_discard(group, self._channel)
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("bus.unsubscribe_failed", groups=self._groups, reason=type(error).__name__)
