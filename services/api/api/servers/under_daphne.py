"""daphne, with the start and the end that it lacks: resources are open before the first request, and requests end.

daphne by itself: it knows no lifespan, and on SIGTERM cancels every request at once. Importing this installs Twisted's
asyncio reactor.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from socket import socket
from typing import Any

import structlog
from daphne.http_protocol import WebRequest
from daphne.server import Server as DaphneServer
from twisted.internet import defer
from twisted.internet import reactor as installed_reactor

from api.servers import CANCEL, GRACE, KEEP_ALIVE, START_FAILED
from async_handler.types import ASGIApplication, Scope
from chassis import lifespan
from chassis.env import env

logger = structlog.get_logger(__name__)
reactor: Any = installed_reactor
_TICK = 0.02


def serve(sockets: Sequence[socket]) -> None:
    """Serve on `sockets` until SIGTERM or SIGINT."""
    from api.asgi import application  # noqa: PLC0415 - needs Django, and is imported by each worker for itself

    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop  # noqa: SLF001 - as daphne itself does
    life = lifespan.running()
    try:
        loop.run_until_complete(life.__aenter__())
    except Exception:
        logger.exception("process.start_failed")
        sys.exit(START_FAILED)
    try:
        Server(application, sockets, env.float("DRAIN_SECONDS", 10)).run()
    finally:
        loop.run_until_complete(life.__aexit__(None, None, None))
        loop.close()


class Server(DaphneServer):
    """daphne on sockets that listen already, with an orderly end."""

    def __init__(self, application: ASGIApplication, sockets: Sequence[socket], drain_seconds: float) -> None:
        self._sockets, self._drain_seconds = sockets, drain_seconds
        self._ports: list[Any] = []
        super().__init__(
            application,
            # daphne refuses to be made without any; `run` finds none.
            endpoints=["sockets"],
            # Sends no `Server` header.
            server_name="",
            # To the standard library's logger, which shows warnings and errors; at 1 Twisted's errors go nowhere.
            verbosity=2,
            ready_callable=self._ready,
        )
        self.endpoints: list[str] = []

    def _ready(self) -> None:
        self.http_factory.timeOut = KEEP_ALIVE
        for each in self._sockets:
            # daphne's `fd` endpoint takes every socket for one of IPv4, and then misreads the addresses of clients.
            each.setblocking(False)
            self._ports.append(reactor.adoptStreamPort(each.fileno(), each.family, self.http_factory))
            each.close()

    def create_application(self, protocol: Any, scope: Scope) -> Any:
        """As daphne's, without the root path that a client may name in `Daphne-Root-Path`."""
        scope["root_path"] = self.root_path
        if lifespan.draining() and scope["type"] == "http":
            _last(protocol)
        return super().create_application(protocol, scope)

    def kill_all_applications(self) -> "defer.Deferred[Any]":
        """What the reactor awaits before it stops."""
        # Twisted fails if it is asked to stop twice.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        lifespan.drain()
        finishing = asyncio.create_task(self._finish())
        await asyncio.wait([finishing], timeout=self._drain_seconds + GRACE)
        if not finishing.cancel() and (error := finishing.exception()):
            logger.error("server.drain_failed", exc_info=error)
        running = [application for details in self.connections.values() if (application := _running(details))]
        for application in running:
            application.cancel()
        if running:
            await asyncio.wait(running, timeout=CANCEL)

    async def _finish(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(defer.maybeDeferred(port.stopListening).asFuture(loop) for port in self._ports))
        for protocol in self.connections:
            if isinstance(protocol, WebRequest):
                _last(protocol)
        # A request has no application before its body is there. Writers are transports with bytes that the kernel has
        # not taken yet. Twisted reports neither.
        while any(_unfinished(*each) for each in self.connections.items()) or reactor.getWriters():  # noqa: ASYNC110
            await asyncio.sleep(_TICK)


def _unfinished(protocol: Any, details: dict[str, Any]) -> bool:
    receiving = isinstance(protocol, WebRequest) and "disconnected" not in details
    return receiving or _running(details) is not None


def _running(details: dict[str, Any]) -> "asyncio.Future[Any] | None":
    # There is none before the application has started, nor after it was reaped.
    application: asyncio.Future[Any] | None = details.get("application_instance")
    return None if application is None or application.done() else application


def _last(request: WebRequest) -> None:
    """Have the connection closed after this response."""
    # A request that is over has none any more.
    channel = getattr(request, "channel", None)
    if channel is not None:
        channel.persistent = False
        request.responseHeaders.setRawHeaders(b"connection", [b"close"])
