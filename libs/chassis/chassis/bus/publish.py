"""Publish to a group, bounded in time and in number."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from channels.layers import get_channel_layer
from prometheus_client import Counter

from chassis.bus.events import Event, encode
from chassis.redis import UNAVAILABLE

logger = structlog.get_logger(__name__)

TIMEOUT = 1.0
# Of `publish_soon`, under way at once. A healthy Redis takes each within a millisecond.
MAX_PENDING = 64
PUBLISHED = Counter("millrace_bus_publishes_total", "Events published", ["event", "result"])
_pending: set[asyncio.Task[bool]] = set()


async def publish(group: str, event: Event) -> bool:
    """Send `event` to every process that listens to `group`; True if Redis took it within `TIMEOUT` seconds."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await get_channel_layer().group_send(group, encode(group, event))
    except UNAVAILABLE as error:
        PUBLISHED.labels(event.name, "failed").inc()
        logger.warning("bus.publish_failed", group=group, bus_event=event.name, reason=type(error).__name__)
        return False
    PUBLISHED.labels(event.name, "sent").inc()
    return True


def publish_soon(group: str, event: Event) -> None:
    """Send `event` without making anybody wait for Redis.

    Dropped where `MAX_PENDING` are under way already, which is where Redis hangs. Two events published one right after
    the other may arrive in either order.
    """
    if len(_pending) >= MAX_PENDING:
        PUBLISHED.labels(event.name, "dropped").inc()
        return
    task = asyncio.create_task(publish(group, event))
    _pending.add(task)
    task.add_done_callback(_pending.discard)


@contextlib.asynccontextmanager
async def publishing() -> AsyncIterator[None]:
    """A lifespan resource: what was published soon before the end is still sent."""
    try:
        yield
    finally:
        if _pending:
            await asyncio.wait(set(_pending), timeout=TIMEOUT)
