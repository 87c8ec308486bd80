"""daphne with an orderly end, and the process's lifespan around it.

Importing this installs Twisted's asyncio reactor (daphne does, and so comes before any import of `twisted.internet`).
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import structlog
from daphne.server import Server as DaphneServer
from twisted.internet import defer, reactor
from twisted.python.failure import Failure

from async_handler.types import ASGIApplication, Scope
from chassis import lifespan
from chassis.forwarded import TrustedProxies
from realtime import drain, slim
from realtime.frames import HARD_MAX_BYTES
from realtime.outlet import FLUSHED, WRITE
from realtime.protocol import WebSocketProtocol

logger = structlog.get_logger(__name__)


class Server(DaphneServer):
    """daphne, with what it gets wrong at both ends of its life put right."""

    failed = False

    def __init__(
        self,
        application: ASGIApplication,
        endpoints: list[str],
        *,
        sockets: Sequence[socket.socket] = (),
        proxies: TrustedProxies | None = None,
        max_bytes: int = HARD_MAX_BYTES,
    ) -> None:
        """Listen on Twisted `endpoints` and accept from `sockets`, which listen already.

        The forwarded headers of `proxies` are believed, by default of none. A frame or a message of more than
        `max_bytes` is answered with 1009.
        """
        self._ports: list[Any] = []
        self._sockets = sockets
        self._proxies = proxies or TrustedProxies()
        super().__init__(
            application,
            endpoints=endpoints,
            server_name="millrace",
            # To the standard library's logger, which shows warnings and errors; at 1 Twisted's errors go nowhere.
            verbosity=2,
            ping_interval=20,
            ping_timeout=30,
            # daphne's own age limit closes with 1000, which tells a client not to come back.
            websocket_timeout=-1,
            websocket_max_message_size=max_bytes,
            websocket_max_frame_size=max_bytes,
            ready_callable=self._ready,
        )

    def serve(self) -> bool:
        """Run until SIGTERM or SIGINT; False if it could not listen. daphne has no lifespan, so it is entered here."""
        loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop  # noqa: SLF001 - as daphne itself does
        life = lifespan.running()
        loop.run_until_complete(life.__aenter__())
        try:
            self.run()
        finally:
            loop.run_until_complete(life.__aexit__(None, None, None))
            # Closing the loop closes the channel layer's connections.
            loop.close()
        return not self.failed

    def _ready(self) -> None:
        self.ws_factory.protocol = WebSocketProtocol
        # A protocol error is answered with a close frame that says so (1009 for a frame over the cap) before the drop.
        # Every call resets `allowNullOrigin`; Origin is judged in `realtime.origins`.
        self.ws_factory.setProtocolOptions(failByDrop=False, allowNullOrigin=True)
        slim.share_options(WebSocketProtocol, self.ws_factory)
        for each in self._sockets:
            # daphne's `fd` endpoint takes every socket for one of IPv4, and then misreads the addresses of clients.
            each.setblocking(False)
            self.listen_success(reactor.adoptStreamPort(each.fileno(), each.family, self.http_factory))
            each.close()

    def listen_success(self, port: Any) -> None:
        """Say where, once for each endpoint."""
        super().listen_success(port)
        self._ports.append(port)
        address = port.getHost()
        logger.info("server.listening", host=address.host, port=address.port)

    def listen_error(self, failure: Failure) -> None:
        """Stop, and have the process exit with an error; daphne's would exit with 0."""
        self.failed = True
        logger.error("server.listen_failed", reason=failure.getErrorMessage())
        self.stop()

    def create_application(self, protocol: Any, scope: Scope) -> Any:
        """As daphne's, with what a trusted proxy says of the client, and not what a client says of the root path."""
        scope["root_path"] = self.root_path
        if scope["type"] == "websocket":
            # daphne names none.
            scope["scheme"] = "ws"
            scope["extensions"] = {WRITE: protocol.write, FLUSHED: protocol.flushed}
        if lifespan.draining() and scope["type"] == "http":
            drain.last_request(protocol)
        self._proxies.apply(scope)
        return super().create_application(protocol, scope)

    def kill_all_applications(self) -> "defer.Deferred[Any]":
        """What the reactor awaits before it stops."""
        ending = asyncio.ensure_future(drain.drain(self.connections, self._ports))
        return defer.Deferred.fromFuture(ending)
