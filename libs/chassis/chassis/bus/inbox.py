"""The process's one channel on the layer, and who wants to hear of which group.

However many sockets and streams a process has, Redis sees one subscription a group, and each event is received and
decoded once.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog
from channels.layers import get_channel_layer
from prometheus_client import Counter

from chassis.bus.events import GAP, Event, decode
from chassis.redis import UNAVAILABLE

logger = structlog.get_logger(__name__)

type Handler = Callable[[Event], None]
type GapHandler = Callable[[], None]

_RETRY = 1.0
GAPS = Counter("millrace_bus_gaps_total", "Times that this process may have missed announcements")


class Inbox:
    """Calls handlers with the events of their groups, in the order of arrival. Handlers never wait and never raise."""

    def __init__(self) -> None:
        self._layer: Any = None
        self._channel = ""
        # Dictionaries for their order.
        self._handlers: dict[str, dict[Handler, None]] = {}
        self._gap_handlers: dict[GapHandler, None] = {}
        self._confirmed: set[str] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A lifespan resource: receives until the end of the block. Redis may be down all the time."""
        self._layer = get_channel_layer()
        self._channel = await self._layer.new_channel()
        receiving = asyncio.create_task(self._receive(), name="bus-inbox")
        try:
            yield
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})
            await self._layer.delete_channel(self._channel)
            self._confirmed.clear()

    async def listen(self, group: str, handler: Handler) -> bool:
        """Have `handler` called with what is published to `group`; whoever calls this calls `ignore` in the end.

        True once Redis has confirmed the subscription. False where it does not within about a second: it is subscribed
        when it can be, and the gap handlers are called then.
        """
        self._handlers.setdefault(group, {})[handler] = None
        if group in self._confirmed:
            return True
        try:
            await self._layer.group_add(group, self._channel)
        except UNAVAILABLE as error:
            logger.warning("bus.subscribe_failed", group=group, reason=type(error).__name__)
            return False
        if group in self._handlers:
            self._confirmed.add(group)
        return True

    async def ignore(self, group: str, handler: Handler) -> None:
        """Call `handler` no more. Does not wait for Redis."""
        handlers = self._handlers.get(group, {})
        handlers.pop(handler, None)
        if not handlers and self._handlers.pop(group, None) is not None:
            self._confirmed.discard(group)
            await self._layer.group_discard(group, self._channel)

    def on_gap(self, handler: GapHandler) -> None:
        """Have `handler` called whenever events of any group may have been lost."""
        self._gap_handlers[handler] = None

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except Exception:
                logger.exception("bus.receive_failed")
                await asyncio.sleep(_RETRY)
                continue
            event = decode(message)
            if event is not None:
                self._dispatch(event)
                # A full queue is worked off without keeping everything else waiting.
                await asyncio.sleep(0)

    def _dispatch(self, event: Event) -> None:
        if event.name == GAP:
            GAPS.inc()
            for gap_handler in tuple(self._gap_handlers):
                _call(gap_handler)
        else:
            for handler in tuple(self._handlers.get(event.group, ())):
                _call(handler, event)


def _call(handler: Callable[..., None], *args: Event) -> None:
    try:
        handler(*args)
    except Exception:
        logger.exception("bus.handler_failed")


inbox = Inbox()
