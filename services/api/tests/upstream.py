"""The real mock-upstream as a process of its own, and a way to break it."""

import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from api.gather.legs import upstreams
from testing.waiting import DEADLINE, eventually

# Made once: a client makes one of its own, which holds up the event loop for as long as a request may take.
_TLS = ssl.create_default_context()
LEGS = ("users", "products", "orders")


@dataclass(frozen=True)
class Upstream:
    """A running mock-upstream."""

    url: str
    process: "subprocess.Popen[str]"

    async def fault(self, **faults: dict[str, Any]) -> None:
        """Replace all faults: `await upstream.fault(users={"hang_rate": 1})`; no argument ends them all."""
        await self._control("PUT", "/faults", faults)

    async def counters(self, endpoint: str = "*") -> dict[str, Any]:
        """What `endpoint` saw since `reset`."""
        counters: dict[str, dict[str, Any]] = await self._control("GET", "/counters")
        return counters[endpoint]

    async def reset(self) -> None:
        """No faults, nobody in flight, all counters at zero."""
        await self._control("DELETE", "/faults")
        await self.reaches(in_flight=0)
        await self._control("DELETE", "/counters")

    async def reaches(self, **expected: int) -> None:
        """Wait until the counters of all endpoints together have these values."""

        async def reached() -> bool:
            counters = await self.counters()
            return all(counters[name] == value for name, value in expected.items())

        await eventually(reached, what=str(expected))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """It dies at once, with all its connections."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)

    async def _control(self, method: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(base_url=self.url, verify=_TLS, timeout=DEADLINE) as client:
            response = await client.request(method, path, json=body)
        response.raise_for_status()
        return response.json()


@contextmanager
def running(port: int = 0) -> Iterator[Upstream]:
    """Start it on `port`, by default a free one; stop it at the end, unless it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mock_upstream"],
        env=os.environ | {"HOST": "127.0.0.1", "PORT": str(port), "LOG_LEVEL": "info"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Upstream(_address(process), process)
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"running on (http://\S+)", line):
            return found[1]
    raise AssertionError("mock-upstream did not start")


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Somebody who remembers the head of every request and answers none; the address, and what was heard."""
    heads: list[bytes] = []

    async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(remember, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


class Holding:
    """An upstream that is asked, and holds its answers back until it is released, but for those after `held`.

    `given_up` counts the requests whose client went away meanwhile.
    """

    def __init__(self, held: int) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.given_up = 0
        self.released = asyncio.Event()
        self._held = held

    @property
    def requests(self) -> int:
        """How many requests have come."""
        return self.asked.total()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer a connection: a row of what the path names."""
        head = await reader.readuntil(b"\r\n\r\n")
        name = head.split(b"?")[0].rpartition(b"/")[2].decode()
        self.asked[name] += 1
        if self.asked[name] <= self._held:
            await self._hold(reader)
        body = f'{{"{name}": [{{"id": 1}}], "total": 1}}'.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    async def _hold(self, reader: asyncio.StreamReader) -> None:
        gone = asyncio.ensure_future(reader.read())
        released = asyncio.ensure_future(self.released.wait())
        await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
        self.given_up += gone.done()
        for waiting in (gone, released):
            waiting.cancel()


@asynccontextmanager
async def holding(held: int = sys.maxsize) -> AsyncIterator[Holding]:
    """An upstream that holds the answers to the first `held` requests for each resource back, until it is released."""
    upstream = Holding(held)
    async with await asyncio.start_server(upstream.answer, "127.0.0.1", 0) as server:
        upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield upstream
        finally:
            upstream.released.set()


def impatient(name: str, seconds: float) -> None:
    """Calls of this one upstream have so much time from now on; the others, which are well, have as much as they need.

    A short time for all of them is too short for one of them now and then, if the machine is busy.
    """
    upstream = upstreams()[name]
    upstream.policy = replace(upstream.policy, timeout=seconds)
