"""An application in this process: its lifespan, clients, and what each call does to the event loop and to threads.

Used as a plugin (`pytest_plugins = ["testing.asgi"]`), beside `testing.database`.

PYTEST_DONT_REWRITE: conftest files import names from here, which is before pytest could rewrite it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx
import pytest
import pytest_asyncio
from blockbuster import BlockBuster, blockbuster_ctx

from async_handler.types import ASGIApplication
from chassis import http_client, lifespan
from chassis.database import usage
from pubsub_layer import connection as subscriber
from testing.waiting import DEADLINE


@pytest_asyncio.fixture(scope="session")
async def process(_pool: None) -> AsyncIterator[None]:
    """The service's lifespan, entered once for the whole run as in a real process.

    But for the sampler of the pool: its connections and queries would be counted by tests that count their own. And
    the HTTP client waits for a connection as long as a busy machine may need, and the bus for the answer to a ping:
    what it has lost makes each hub ask who may stay, which such tests would count too.
    """
    with pytest.MonkeyPatch.context() as patch:
        patient = aiohttp.ClientTimeout(total=None, connect=DEADLINE, sock_connect=DEADLINE)
        patch.setattr(http_client, "_TIMEOUT", patient)
        patch.setattr(subscriber, "PING_INTERVAL", DEADLINE)
        others = [each for each in lifespan._state.resources if each is not usage.watched]
        patch.setattr(lifespan._state, "resources", others)
        async with lifespan.running():
            yield


@pytest.fixture
def make_client(process: None) -> Callable[[ASGIApplication], httpx.AsyncClient]:
    """Makes HTTP clients that drive an ASGI application in this process, through all of its middleware."""

    def make(application: ASGIApplication, **options: Any) -> httpx.AsyncClient:
        # A process that does not know that it runs opens everything a second time with its next request.
        if not lifespan.is_running():
            pytest.fail("an earlier test has stopped this process")
        transport = httpx.ASGITransport(app=application)
        return httpx.AsyncClient(transport=transport, base_url="http://testserver", **options)

    return make


@pytest.fixture
def no_blocking() -> Iterator[BlockBuster]:
    """Any call that would block the event loop (sleep, sockets, files, locks) raises `blockbuster.BlockingError`."""
    with blockbuster_ctx() as detector:
        yield detector


@pytest.fixture
def executor_work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each of the process's thread pools is given work from now on, by the prefix of its threads' names."""
    counts: Counter[str] = Counter()
    submit = ThreadPoolExecutor.submit

    def record(pool: ThreadPoolExecutor, *args: Any, **kwargs: Any) -> Any:
        counts[str(pool._thread_name_prefix)] += 1
        return submit(pool, *args, **kwargs)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", record)
    return counts


class AsgiExchange:
    """One request: `send_body` and `leave` are the client's side, `start` and `body` what the application answers."""

    def __init__(
        self, application: ASGIApplication, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> None:
        raw = [
            (name.lower().encode(), value.encode()) for name, value in {"Host": "testserver", **(headers or {})}.items()
        ]
        path, _, query = path.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": raw,
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
            "root_path": "",
            "asgi": {"version": "3.0"},
        }
        self.headers: dict[str, str] = {}
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.ensure_future(application(scope, self._in.get, self._out.put))  # type: ignore[arg-type]

    def send_body(self, chunks: Iterable[bytes] = (b"",)) -> None:
        """Send the whole body."""
        parts = list(chunks)
        for number, chunk in enumerate(parts, start=1):
            self._in.put_nowait({"type": "http.request", "body": chunk, "more_body": number < len(parts)})

    def leave(self) -> None:
        """Close the connection."""
        self._in.put_nowait({"type": "http.disconnect"})

    async def start(self) -> int:
        """The status; the headers are in `headers` afterwards, their names in lower case."""
        message = await self._next()
        self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        status: int = message["status"]
        return status

    async def chunk(self) -> bytes:
        """The next piece of the body."""
        piece: bytes = (await self._next()).get("body", b"")
        return piece

    async def body(self) -> bytes:
        """The rest of the body."""
        received = bytearray()
        while True:
            message = await self._next()
            received += message.get("body", b"")
            if not message.get("more_body"):
                return bytes(received)

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            return await self._out.get()

    async def ended(self) -> None:
        """Wait until the application is done with the request."""
        async with asyncio.timeout(DEADLINE):
            await self.task

    @property
    def answered(self) -> bool:
        """True if anything was sent."""
        return not self._out.empty()
