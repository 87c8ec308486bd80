"""Publish to a group, bounded in time."""

import asyncio

import structlog
from channels.layers import get_channel_layer
from prometheus_client import Counter
from redis.exceptions import RedisError

from chassis.bus.events import Event, encode

logger = structlog.get_logger(__name__)

TIMEOUT = 1.0
PUBLISHED = Counter("millrace_bus_publishes_total", "Events published", ["event", "result"])


async def publish(group: str, event: Event) -> bool:
    """Send `event` to every process that listens to `group`; True if Redis took it within `TIMEOUT` seconds."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await get_channel_layer().group_send(group, encode(event))
    except (RedisError, OSError, TimeoutError) as error:
        PUBLISHED.labels(event.name, "failed").inc()
        logger.warning("bus.publish_failed", group=group, bus_event=event.name, reason=type(error).__name__)
        return False
    PUBLISHED.labels(event.name, "sent").inc()
    return True
