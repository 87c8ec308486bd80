"""How the api's connections end on SIGTERM: real sockets on a real uvicorn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from api.draining import DrainingProtocol
from testing.waiting import DEADLINE, eventually

pytestmark = pytest.mark.slow

REQUEST = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n{}"


async def answers(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Connection:
    """A client's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self) -> bytes:
        """The head of the answer to one request, in lower case."""
        self.writer.write(REQUEST)
        async with asyncio.timeout(DEADLINE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            assert await self.reader.readexactly(2) == b"ok"
        return head.lower()

    async def rest(self) -> bytes:
        """Whatever comes until the server closes it."""
        async with asyncio.timeout(DEADLINE):
            return await self.reader.read()


class Running:
    """A server and a way to its port."""

    def __init__(self, server: uvicorn.Server) -> None:
        self.server = server

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    async def leave(self) -> None:
        """SIGTERM's flag, and nobody listens any more."""
        self.server.should_exit = True
        await eventually(lambda: not self.server.servers[0].is_serving(), what="nobody listens")


@pytest_asyncio.fixture
async def running() -> AsyncIterator[Running]:
    """Uvicorn with the protocol, in this process."""
    config = uvicorn.Config(answers, host="127.0.0.1", port=0, http=DrainingProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    await eventually(lambda: server.started, what="the server listens")
    yield Running(server)
    server.should_exit = True
    await serving


async def connected(port: int) -> Connection:
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


async def test_a_kept_connection_has_one_more_answer(running: Running) -> None:
    """After SIGTERM a request on it is answered, as the last one; one that nobody uses is closed without a word."""
    used, unused = await connected(running.port), await connected(running.port)
    for connection in (used, unused):
        assert b"connection: close" not in await connection.ask()
    await running.leave()
    assert b"connection: close" in await used.ask()
    assert await used.rest() == b""
    assert await unused.rest() == b""


async def test_a_connection_without_a_request_is_closed(running: Running) -> None:
    """Opened beforehand, and never used: it does not keep the server."""
    silent = await connected(running.port)
    # Both are accepted in order: an answer on the later one says that the first is known.
    other = await connected(running.port)
    await other.ask()
    await running.leave()
    with contextlib.suppress(ConnectionResetError):
        assert await silent.rest() == b""
