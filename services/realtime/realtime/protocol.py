"""daphne's WebSocket protocol, with the closes that only the server can do.

Importing this installs Twisted's asyncio reactor, as importing daphne's server does.
"""

from typing import Any

import daphne.server  # noqa: F401 - before anything that would install another reactor
from autobahn.websocket.types import ConnectionDeny
from daphne.ws_protocol import WebSocketProtocol as DaphneProtocol

from chassis import lifespan
from realtime import metrics


def _unavailable() -> Exception:
    denial: Exception = ConnectionDeny(code=503, reason="Service Unavailable")  # type: ignore[no-untyped-call]
    return denial


class WebSocketProtocol(DaphneProtocol):
    """One socket, from its handshake on."""

    server: Any = None

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - autobahn's name
        """The handshake came; refused with HTTP 503 while the process ends."""
        if lifespan.draining():
            raise _unavailable()
        return super().onConnect(request)

    def onClose(self, clean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802 - as above
        """The connection is gone; daphne's own fails for one that it never had, or has reaped already."""
        if self.server is not None and self in self.server.connections:
            super().onClose(clean, code, reason)

    def end(self, code: int) -> None:
        """Close with a code that may be a standard one, which daphne's own close refuses; nothing where it is closed.

        A handshake that is not complete is refused with HTTP 503.
        """
        if self.state == self.STATE_OPEN:
            metrics.CLOSES.labels(code).inc()
            self.sendCloseFrame(code=code)
        elif self.state == self.STATE_CONNECTING and hasattr(self, "handshake_deferred"):
            handshake = self.handshake_deferred
            del self.handshake_deferred
            # What the application still says is not for this connection any more.
            self.server.protocol_disconnected(self)
            handshake.errback(_unavailable())
