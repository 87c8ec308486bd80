"""One socket's subscription to the bus, bounded in time by the channel layer.

Without Redis a socket still opens: history, posting and acknowledgements come from PostgreSQL, and the layer subscribes
it as soon as Redis is back.
"""

import asyncio
from typing import Any

import structlog
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)


class Subscription:
    """Receives what is published to its groups from `open` on."""

    def __init__(self) -> None:
        self._layer: Any = get_channel_layer()
        self._channel = ""
        self._opened = asyncio.Event()
        self.live = False

    async def open(self, *groups: str) -> None:
        """Listen to `groups`; `live` says whether Redis has confirmed all of them. If not, a gap will tell when."""
        self._channel = await self._layer.new_channel()
        self._opened.set()
        self.live = True
        for group in groups:
            try:
                await self._layer.group_add(group, self._channel)
            except RedisError as error:
                self.live = False
                logger.warning("bus.subscribe_failed", group=group, reason=type(error).__name__)

    async def receive(self) -> dict[str, Any]:
        """The next message; nothing before `open`."""
        await self._opened.wait()
        message: dict[str, Any] = await self._layer.receive(self._channel)
        return message

    async def close(self) -> None:
        """Leave the groups and drop what was not received. Does not wait for Redis."""
        if self._channel:
            await self._layer.delete_channel(self._channel)
