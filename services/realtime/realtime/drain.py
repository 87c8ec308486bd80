"""The end of a process: what it has is finished or told to come back, and nothing new is taken.

daphne's own end cuts everything at once: requests without a response, sockets without a close frame, applications
without a disconnect. Here requests finish, and sockets are closed with 1012 one after the other, because all of their
clients come back to the processes that are left, and each coming back costs those a handshake and a replay.
"""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
from daphne.http_protocol import WebRequest
from twisted.internet import defer
from twisted.internet import reactor as installed_reactor

from chassis import lifespan
from realtime import settings
from realtime.close_codes import SERVICE_RESTART
from realtime.protocol import WebSocketProtocol

logger = structlog.get_logger(__name__)
reactor: Any = installed_reactor

# Few sockets are no stampede: they do not take the whole time.
LONGEST_PAUSE = 0.1
# For the last closing handshakes, and after that for what was cancelled; both beyond DRAIN_SECONDS.
GRACE_SECONDS, CANCEL_SECONDS = 2.0, 3.0
_TICK = 0.02


async def drain(connections: dict[Any, dict[str, Any]], ports: list[Any]) -> None:
    """End everything in `connections`, daphne's table of them, within `DRAIN_SECONDS` + 5 s."""
    lifespan.drain()
    logger.info("server.draining", connections=len(connections), seconds=settings.DRAIN_SECONDS)
    leaving = asyncio.create_task(_leave(connections, ports))
    _on_next_signal(leaving.cancel)
    await asyncio.wait([leaving], timeout=settings.DRAIN_SECONDS + GRACE_SECONDS)
    if not leaving.cancel() and not leaving.cancelled() and (error := leaving.exception()):
        logger.error("server.drain_failed", exc_info=error)
    running = [application for details in connections.values() if (application := _running(details))]
    logger.info("server.stopping", applications=len(running))
    for application in running:
        application.cancel()
    if running:
        await asyncio.wait(running, timeout=CANCEL_SECONDS)


def last_request(request: WebRequest) -> None:
    """Have the HTTP connection closed after this response: the next request is for a process that stays."""
    # A request that is over has none any more.
    channel = getattr(request, "channel", None)
    if channel is not None:
        channel.persistent = False
        request.responseHeaders.setRawHeaders(b"connection", [b"close"])


async def _leave(connections: dict[Any, dict[str, Any]], ports: list[Any]) -> None:
    loop = asyncio.get_running_loop()
    # An inherited socket is closed here, not shut down: the processes that share it go on accepting.
    await asyncio.gather(*(defer.maybeDeferred(port.stopListening).asFuture(loop) for port in ports))
    for request in [protocol for protocol in connections if isinstance(protocol, WebRequest)]:
        last_request(request)
    sockets = [protocol for protocol in connections if isinstance(protocol, WebSocketProtocol)]
    pause = min(settings.DRAIN_SECONDS / max(len(sockets), 1), LONGEST_PAUSE)
    start = loop.time()
    for number, socket in enumerate(sockets):
        await asyncio.sleep(start + number * pause - loop.time())
        socket.end(SERVICE_RESTART)
    # Writers are transports with bytes that the kernel has not taken yet: the last response, the last close frame.
    # Twisted tells nobody when a transport has written everything.
    while any(_unfinished(*connection) for connection in connections.items()) or reactor.getWriters():  # noqa: ASYNC110 - as said
        await asyncio.sleep(_TICK)


def _unfinished(protocol: Any, details: dict[str, Any]) -> bool:
    # A request has no application before its body is there; a socket may have none any more.
    receiving = isinstance(protocol, WebRequest) and "disconnected" not in details
    return receiving or _running(details) is not None


def _running(details: dict[str, Any]) -> "asyncio.Future[Any] | None":
    # There is none before the application has started, nor after it was reaped.
    application: asyncio.Future[Any] | None = details.get("application_instance")
    return None if application is None or application.done() else application


def _on_next_signal(hurry: Callable[[], object]) -> None:
    """Call `hurry` on the next SIGTERM or SIGINT; the one after that kills the process."""
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        if not loop.is_closed():
            loop.call_soon_threadsafe(hurry)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, handle)
