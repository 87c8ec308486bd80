"""The network that goes wrong, between two real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from tests.chaos.proxy import Link, Proxy

# Seconds, for what must happen: only a failure takes that long.
WITHIN = 30.0


type Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Service:
    """Answers every line with the same line, and counts what it got; `ended` is set when its client is gone."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.got = asyncio.Event()
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.lines.append(line)
                self.got.set()
                writer.write(line)
        except OSError:
            pass
        self.ended.set()
        writer.close()


class Way:
    """A client's end of a connection through the proxy, and the link in the middle."""

    def __init__(self, service: Service, address: tuple[str, int], link: Link, ends: Ends) -> None:
        self.address = address
        self.service = service
        self.link = link
        self._reader, self._writer = ends

    async def say(self, line: bytes) -> None:
        self.service.got.clear()
        self._writer.write(line)
        async with asyncio.timeout(WITHIN):
            await self.service.got.wait()

    async def hear(self) -> bytes:
        async with asyncio.timeout(WITHIN):
            try:
                return await self._reader.readline()
            except OSError:
                return b""

    def heard(self) -> bool:
        return bool(self._reader._buffer)  # type: ignore[attr-defined]  # what came and was not read


@pytest_asyncio.fixture
async def way() -> AsyncIterator[Way]:
    """A connection that has passed a line in both directions."""
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    proxy = Proxy(*server.sockets[0].getsockname()[:2])
    host, port = (await proxy.start()).split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    [link] = proxy.links
    yield Way(service, (host, int(port)), link, (reader, writer))
    writer.close()
    await proxy.stop()
    server.close()


async def test_a_cut_reaches_both(way: Way) -> None:
    """Neither waits for the other."""
    way.link.abort()
    assert await way.hear() == b""
    async with asyncio.timeout(WITHIN):
        await way.service.ended.wait()


async def test_a_dropped_answer(way: Way) -> None:
    """What the client says arrives, what the server answers does not, and then the connection breaks."""
    way.link.deafen()
    await way.say(b"stored\n")
    assert way.service.lines[-1] == b"stored\n"
    way.link.abort()
    assert await way.hear() == b""


async def test_half_open(way: Way) -> None:
    """The client's side is gone; the server hears nothing of it."""
    way.link.forsake()
    assert await way.hear() == b""
    # A whole round on another connection later, the server would have heard.
    reader, writer = await asyncio.open_connection(*way.address)
    writer.write(b"another\n")
    async with asyncio.timeout(WITHIN):
        assert await reader.readline() == b"another\n"
    writer.close()
    assert not way.service.ended.is_set()


async def test_a_reader_that_stops_gets_everything_later(way: Way) -> None:
    """Nothing is lost, only late."""
    way.link.stall()
    await way.say(b"one\n")
    assert not way.heard()
    way.link.unstall()
    assert await way.hear() == b"one\n"


async def test_a_connection_without_a_byte_is_given_up() -> None:
    """Both ends see that it ends, when the server has said nothing for long enough."""
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    proxy = Proxy(*server.sockets[0].getsockname()[:2], silence=0.1)
    host, port = (await proxy.start()).split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(WITHIN):
        assert await reader.read() == b""
        await service.ended.wait()
    writer.close()
    await proxy.stop()
    server.close()
