"""The TCP connection behind a request: what ASGI does not show, but a reset and a count of connections need.

uvicorn has no hook for it, so its HTTP protocol is subclassed here and puts a Connection into the scope's extensions.
"""

import asyncio
import socket
import struct
from typing import NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_upstream.asgi import Scope

EXTENSION = "millrace.connection"

_LINGER_ZERO = struct.pack("ii", 1, 0)


class Connection:
    """A connection under a server that offers nothing but ASGI: the faults that need the socket raise."""

    def __init__(self) -> None:
        self.draining = asyncio.Event()

    def close(self) -> None:
        """End the connection after what was written. The application sees http.disconnect when it is done."""
        self._unreachable()

    def abort(self) -> None:
        """Reset the connection: the peer sees ECONNRESET. The application sees http.disconnect when it is done."""
        self._unreachable()

    def _unreachable(self) -> NoReturn:
        raise ConnectionResetError("this server gives no access to its connections")


class TcpConnection(Connection):
    """A connection of uvicorn's."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        # abort() alone drops the buffer but still says FIN; with a linger time of zero the kernel says RST.
        peer: socket.socket = self._transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()


class ConnectionProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with its Connection in the scope and a sign to the application that the server drains."""

    connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        super().connection_made(transport)
        self.connection = TcpConnection(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"connection": self.connection}}

    def shutdown(self) -> None:
        super().shutdown()
        # Without this a hanging request would hold the server until its graceful time is over.
        self.connection.draining.set()


def connection_of(scope: Scope) -> Connection:
    """The request's connection; a bare one under another server."""
    offered = scope.get("extensions", {}).get(EXTENSION, {}).get("connection")
    return offered if isinstance(offered, Connection) else Connection()
