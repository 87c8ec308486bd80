"""A real server on a loopback port, clients for it, and waiting for conditions."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
import uvicorn

from mock_upstream.app import Upstream
from mock_upstream.server import Settings, build_server

# For what must happen: only a failure takes that long.
DEADLINE_S = 30.0


class RunningServer:
    """The server in a thread, with the event loop of production and out of reach of this process's signals."""

    def __init__(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.host: str = "127.0.0.1"
        self.port: int = listener.getsockname()[1]
        self.url = f"http://{self.host}:{self.port}"
        self._server: uvicorn.Server = build_server(Settings(log_level="warning"), Upstream())
        # The listener exists before the thread does, so a client that comes early waits instead of being refused.
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()

    def begin_stop(self) -> None:
        """What SIGTERM does."""
        self._server.should_exit = True

    def stop(self) -> None:
        self.begin_stop()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def server_of_its_own() -> Iterator[RunningServer]:
    """For a test that stops its server."""
    running = RunningServer()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shared_server() -> Iterator[RunningServer]:
    running = RunningServer()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def sync_client(shared_server: RunningServer) -> Iterator[httpx.Client]:
    """For property tests, whose examples must not share a fixture of one test."""
    with httpx.Client(base_url=shared_server.url, timeout=DEADLINE_S) as client:
        yield client


@pytest.fixture(autouse=True)
def _without_faults(request: pytest.FixtureRequest) -> None:
    """Property tests set faults on the shared server, and so may have those before this one."""
    if "sync_client" in request.fixturenames:
        assert request.getfixturevalue("sync_client").delete("/faults").status_code == 200


@pytest.fixture
async def client(shared_server: RunningServer, eventually: "Eventually") -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server without faults, requests or counts."""
    async with httpx.AsyncClient(base_url=shared_server.url, timeout=DEADLINE_S) as client:
        await client.delete("/faults")

        async def idle() -> bool:
            counters = (await client.get("/counters")).json()
            return bool(counters["*"]["in_flight"] == 0)

        await eventually(idle)
        await client.delete("/counters")
        yield client


type Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Ask until the answer is true; fail at the deadline."""

    async def ask(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not await condition():  # noqa: ASYNC110 - the server is in another thread or process
                await asyncio.sleep(0.01)

    return ask


type Connect = Callable[[bytes], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
async def send_raw(shared_server: RunningServer) -> AsyncIterator[Connect]:
    """Open a connection and send bytes on it; closed after the test."""
    writers: list[asyncio.StreamWriter] = []

    async def connect(request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(shared_server.host, shared_server.port)
        writers.append(writer)
        writer.write(request)
        await writer.drain()
        return reader, writer

    yield connect
    for writer in writers:
        writer.close()
