"""An address of PostgreSQL that can be closed and opened."""

import asyncio
import os
import socket
from urllib.parse import urlsplit


class Gate:
    """An address of PostgreSQL at which nothing listens until it is opened."""

    def __init__(self) -> None:
        # Taken from the start, so that no other process listens there meanwhile.
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Forward to the real server."""
        self._server = await asyncio.start_server(self._forward, sock=self._socket)

    async def close(self) -> None:
        """Stop."""
        if self._server is not None:
            self._server.close()
        self._socket.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(os.environ["DATABASE_URL"])
        answers, requests = await asyncio.open_connection(url.hostname, url.port)
        await asyncio.gather(_copy(reader, requests), _copy(answers, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
