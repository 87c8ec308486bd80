"""daphne's WebSocket protocol, with the closes that only the server can do.

Importing this installs Twisted's asyncio reactor, as importing daphne's server does.
"""

import asyncio
import random
import time
from typing import Any

import daphne.server  # noqa: F401 - before anything that would install another reactor
import structlog
from autobahn.websocket.types import ConnectionDeny

from async_handler.types import Message
from chassis import lifespan
from realtime import metrics, settings, slim
from realtime.close_codes import CloseCode
from realtime.direct import DirectSend

# For the close frame behind OUTBOUND_LIMIT bytes to reach a reader that is slow but there; autobahn's own is 1 s.
TOO_SLOW_SECONDS = 5.0
_TICK = 0.02

logger = structlog.get_logger(__name__)


def _unavailable() -> Exception:
    denial: Exception = ConnectionDeny(code=503, reason="Service Unavailable")  # type: ignore[no-untyped-call]
    return denial


class WebSocketProtocol(DirectSend, slim.Defaults):
    """One socket, from its handshake on."""

    server: Any = None

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - autobahn's name
        """The handshake came; refused with HTTP 503 while the process ends."""
        if lifespan.draining():
            raise _unavailable()
        # Sockets that were opened together, after a deploy say, do not end together.
        self.max_age = settings.MAX_SOCKET_AGE * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, hides nothing
        return super().onConnect(request)

    def onOpen(self) -> None:  # noqa: N802 - as above
        """The handshake is complete: what it consisted of is not kept for as long as the socket lives."""
        super().onOpen()
        self.take_over()
        slim.forget_handshake(self)

    def check_timeouts(self) -> None:
        """daphne asks every 2 s; a socket that is old enough is closed with 4016."""
        if self.state == self.STATE_OPEN and self.duration() > self.max_age:
            self.end(CloseCode.EXPIRED)
        super().check_timeouts()

    def onClose(self, clean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802 - as above
        """The connection is gone; daphne's own fails for one that it never had, or has reaped already.

        It also wants the request's path, for a log that we do not have.
        """
        if self.server is None or self not in self.server.connections:
            return
        self.server.protocol_disconnected(self)
        if not self.muted and hasattr(self, "application_queue"):
            self.application_queue.put_nowait({"type": "websocket.disconnect", "code": code})

    def handle_reply(self, message: Message) -> None:
        """Send what the application says, within `bound`; an empty message too, which daphne's own drops."""
        if message["type"] == "websocket.send" and not (message.get("text") or message.get("bytes")):
            self.sendMessage(b"", isBinary=message.get("text") is None)
        else:
            super().handle_reply(message)
        self.bound()

    def write(self, message: bytes) -> None:
        """Send one WebSocket message (`realtime.wire`) within `bound`; nothing where the socket is not open."""
        # What the kernel has taken all of leaves nothing to bound.
        if self.state == self.STATE_OPEN and not self.put(message):
            self.bound()

    def bound(self) -> None:
        """Close a reader that has left too much unread with 4013.

        Nothing waits for a slow reader, so this is what bounds the memory that one takes. After the close autobahn
        refuses to send, and drops the connection where the closing handshake is not complete in time.
        """
        if self.state == self.STATE_OPEN and self.unsent() > settings.OUTBOUND_LIMIT:
            self._too_slow()

    def _too_slow(self) -> None:
        logger.info("socket.too_slow", unsent=self.unsent())
        self.closeHandshakeTimeout = TOO_SLOW_SECONDS
        self.end(CloseCode.TOO_SLOW)

    async def flushed(self) -> None:
        """Wait until there is room for more; a reader that makes none in time is closed with 4013.

        For a replay, which writes faster than any network. What is live does not wait: it would pile up elsewhere.
        """
        deadline = time.monotonic() + TOO_SLOW_SECONDS
        while self.state == self.STATE_OPEN and self.unsent() > settings.OUTBOUND_LIMIT // 2:
            if time.monotonic() > deadline:
                self._too_slow()
            await asyncio.sleep(_TICK)

    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet; Twisted's buffers are not public, and its producers cannot count."""
        transport = self.transport
        waiting: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001 - as said
        return waiting

    def end(self, code: int) -> None:
        """Close with a code that may be a standard one, which daphne's own close refuses; nothing where it is closed.

        A handshake that is not complete is refused with HTTP 503.
        """
        if self.state == self.STATE_OPEN:
            metrics.CLOSES.labels(int(code)).inc()
            self.sendCloseFrame(code=int(code))
        elif self.state == self.STATE_CONNECTING and hasattr(self, "handshake_deferred"):
            handshake = self.handshake_deferred
            del self.handshake_deferred
            # What the application still says is not for this connection any more.
            self.server.protocol_disconnected(self)
            handshake.errback(_unavailable())
