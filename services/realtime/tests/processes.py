"""Real processes of the service, and what stands between them and their dependencies in a test."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import connections
from websockets.asyncio.client import ClientConnection, connect

# Seconds, for what must happen: only a failure takes that long.
START_SECONDS, DEADLINE = 120, 30
# What a test leaves running may have hundreds of sockets to close, and a long drain for that.
STOP_SECONDS = 100


def database_url(port: int | None = None) -> str:
    """The URL of the test database, by way of another port where one is given."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = connections.settings["default"]["NAME"]
    netloc = url.netloc if port is None else url.netloc.replace(f":{url.port}", f":{port}")
    return url._replace(netloc=netloc, path=f"/{name}").geturl()


class Process:
    """`python -m realtime`, with its own port chosen by the system; `lines` are its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.text = ""
        self.port = 0
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.text += line.decode()
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(line))

    async def listening(self, endpoints: int) -> None:
        """Wait until it accepts at all its endpoints; the first of them is its own."""
        async with asyncio.timeout(START_SECONDS):
            while len(ports := self._ports()) < endpoints:
                assert self.process.returncode is None, self.text
                await asyncio.sleep(0.02)
        self.port = ports[0]

    async def logged(self, event: str) -> None:
        """Wait until it has logged `event`."""
        async with asyncio.timeout(DEADLINE):
            while all(line["event"] != event for line in self.lines):  # noqa: ASYNC110 - it is another process's
                await asyncio.sleep(0.02)

    def _ports(self) -> list[int]:
        return [line["port"] for line in self.lines if line["event"] == "server.listening"]

    async def ended(self, within: float = DEADLINE) -> int:
        """Wait for the end; the exit status."""
        async with asyncio.timeout(within):
            status = await self.process.wait()
            await self._reading
        return status

    async def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await self.ended(STOP_SECONDS)
            except TimeoutError:
                self.process.kill()
                raise
        await self._reading


SERVICE = ("-m", "realtime")
# The service with constants that a test sets.
ADJUSTED = (str(Path(__file__).with_name("adjusted.py")),)


async def start(shared: socket.socket | None = None, program: tuple[str, ...] = SERVICE, /, **env: str) -> Process:
    """A process of the service, or of another Python program, that may not be listening yet."""
    own = {"PORT": "0", "DATABASE_URL": database_url(), "LOG_FORMAT": "json", "ALLOW_GUESTS": "1", "LOG_LEVEL": "INFO"}
    # A query may take as long as the machine needs, unless a test says otherwise.
    own["DATABASE_QUERY_TIMEOUT"] = str(DEADLINE)
    if shared is not None:
        own["LISTEN_FD"] = str(shared.fileno())
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program,
        env={**os.environ, **own, **env}, stderr=asyncio.subprocess.PIPE,
        pass_fds=() if shared is None else (shared.fileno(),),
    )  # fmt: skip
    return Process(process)


@contextlib.asynccontextmanager
async def running(
    shared: socket.socket | None = None, program: tuple[str, ...] = SERVICE, /, **env: str
) -> AsyncIterator[Process]:
    """A process for the length of the block."""
    async with all_running(env, shared=shared, program=program) as [process]:
        yield process


@contextlib.asynccontextmanager
async def all_running(
    *envs: Mapping[str, str], shared: socket.socket | None = None, program: tuple[str, ...] = SERVICE
) -> AsyncIterator[list[Process]]:
    """A process for each environment, for the length of the block; they start, and end, at the same time."""
    processes = [await start(shared, program, **env) for env in envs]
    try:
        for process in processes:
            await process.listening(1 if shared is None else 2)
        yield processes
    finally:
        await asyncio.gather(*(process.stop() for process in processes))


@contextlib.contextmanager
def listening_socket() -> Any:
    """A listening socket on a free port."""
    with socket.socket() as shared:
        shared.bind(("127.0.0.1", 0))
        shared.listen(128)
        yield shared


class Client:
    """A client of a process, over the network."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.present: list[dict[str, Any]] = []

    async def frame(self) -> dict[str, Any]:
        """The next frame."""
        async with asyncio.timeout(DEADLINE):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
        return frame

    async def next(self, kind: str) -> dict[str, Any]:
        """The next frame of a `type`; others before it are passed over."""
        while (frame := await self.frame())["type"] != kind:
            pass
        return frame

    async def until(self, kind: str, username: str) -> list[dict[str, Any]]:
        """All frames up to the first of a `type` about this user, that one included."""
        frames = [await self.frame()]
        while (frames[-1]["type"], frames[-1].get("username")) != (kind, username):
            frames.append(await self.frame())
        return frames

    async def post(self, message: str, kind: str = "ack") -> dict[str, Any]:
        """Post a message; its acknowledgement, or the frame that is expected instead."""
        await self.connection.send(json.dumps({"message": message}))
        return await self.next(kind)

    async def closed(self) -> int | None:
        """Wait for the server to close; its code, None where it just went."""
        async with asyncio.timeout(DEADLINE):
            await self.connection.wait_closed()
        received = self.connection.protocol.close_rcvd
        return received.code if received else None


@contextlib.asynccontextmanager
async def client(
    port: int, room: str, query: str = "", *, host: str = "127.0.0.1", **options: Any
) -> AsyncIterator[Client]:
    """A client of the process at `port`, in `room`."""
    url = f"ws://{host}:{port}/ws/chat/{room}/{query}"
    async with connect(url, proxy=None, open_timeout=DEADLINE, close_timeout=1, **options) as connection:
        yield Client(connection)


class Proxy:
    """A TCP proxy to PostgreSQL that can be cut, mended and held up."""

    def __init__(self) -> None:
        url = urlsplit(os.environ["DATABASE_URL"])
        self._target = (url.hostname, url.port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0

    async def mend(self) -> None:
        """Accept and forward."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse new connections and drop those there are."""
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hold(self) -> None:
        """Pass on nothing until `release`."""
        self._flows.clear()

    def release(self) -> None:
        """Pass on what waits, and all that comes."""
        self._flows.set()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self._flows.is_set():
                await self._flows.wait()
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._copy(reader, upstream))
                tasks.create_task(self._copy(answers, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            for end in (writer, upstream):
                if end is not None:
                    end.transport.abort()
