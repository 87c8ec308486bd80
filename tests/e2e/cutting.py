"""A TCP proxy in front of a realtime process, to cut the connections that go through it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

type Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Proxy:
    """Passes bytes on both ways until `cut`; `url` is its own address, `opened` how many connections it had."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.scheme == "ws", "a connection with TLS would end at the proxy"
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._pairs: set[Pair] = set()
        self.opened = 0
        self.url = ""

    def cut(self) -> None:
        """End all connections at once and without a word, in the middle of whatever they carry."""
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        behind, to_behind = await asyncio.open_connection(self._host, self._port)
        pair = (writer, to_behind)
        self._pairs.add(pair)
        try:
            await asyncio.gather(_pass_on(reader, to_behind), _pass_on(behind, writer))
        finally:
            self._pairs.discard(pair)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    # One side is over, so is the other.
    writer.close()


@contextlib.asynccontextmanager
async def in_front_of(target: str) -> AsyncIterator[Proxy]:
    """A proxy on a free port before the service at `target` (`ws://...`)."""
    proxy = Proxy(target)
    async with await asyncio.start_server(proxy._accept, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        proxy.url = f"ws://{host}:{port}"
        yield proxy
        proxy.cut()
