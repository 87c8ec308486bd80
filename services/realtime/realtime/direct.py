"""Frames straight to the socket where nothing waits before them, to Twisted's transport where something does.

Twisted writes nothing by itself: it registers the transport as a writer, and sends when epoll says that it may, which
costs several times what the send does. Mostly the kernel has room, and then the frame is gone before `write` returns.
What the kernel does not take goes to the transport, and everything after it, so the order is that of the calls.
"""

import socket
from typing import Any

import daphne.server  # noqa: F401 - before anything that would install another reactor
from daphne.ws_protocol import WebSocketProtocol as DaphneProtocol
from twisted.internet import tcp


class DirectSend(DaphneProtocol):
    """autobahn's protocol; all of its frames take this way: messages, pings, the closing handshake."""

    _socket: socket.socket | None = None

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """The transport is there."""
        # Anything else, TLS above all, does something to the bytes before they reach a socket.
        if type(self.transport) is tcp.Server and not self.transport.TLS:
            self._socket = self.transport.socket
        super().connectionMade()

    def connectionLost(self, *reason: Any) -> None:  # noqa: N802 - as above
        """The connection is gone, and its descriptor may be another's."""
        self._socket = None
        super().connectionLost(*reason)

    def take_over(self) -> None:
        """Become what the transport pauses while a client does not read, in place of the channel it came by.

        A client that is not read from cannot make us answer it; and the channel and its request are needed no more.
        """
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)

    def pauseProducing(self) -> None:  # noqa: N802 - as above
        """Too much waits for this client: read nothing more from it."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:  # noqa: N802 - as above
        """It has read."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:  # noqa: N802 - as above
        """The connection is gone; `connectionLost` follows."""

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:  # noqa: N802 - as above
        """Send bytes in the order of the calls; what autobahn's own counts and logs besides is used by nobody."""
        if sync or chopsize or self.send_queue:
            super().sendData(data, sync, chopsize)
        else:
            self.put(data)

    def put(self, data: bytes) -> bool:
        """True if the kernel has taken all of `data`; else the transport has the rest."""
        transport, direct = self.transport, self._socket
        if (
            direct is not None
            # The transport's two buffers.
            and not transport._tempDataBuffer  # noqa: SLF001 - not public, and nothing public tells
            and not transport.dataBuffer
            and transport.connected
            # A pull producer writes when the transport asks it to.
            and (transport.producer is None or transport.streamingProducer)
            and not transport.disconnecting
        ):
            try:
                sent = direct.send(data)
            except OSError:
                # No room, or no connection any more: the transport finds out which, and loses it as it always does.
                sent = 0
            if sent == len(data):
                return True
            data = data[sent:]
        transport.write(data)
        return False
