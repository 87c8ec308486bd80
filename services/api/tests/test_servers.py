"""`python -m api` as a process under each of its servers: whom it believes, how it starts, works and ends."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from accounts.models import User
from testing.people import sign_in
from testing.ports import free_port
from testing.waiting import eventually

from .test_listening import database_url, healthy
from .upstream import LEGS, Upstream

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SERVERS = ["uvicorn", "daphne", "hypercorn"]
# A process may start while the whole machine is busy.
START = 90
# Only what is asked for goes to the upstream, and may take as long as it likes.
GATHER = {"GATHER_WITHOUT": "hedge,retry,fresh,stale", "GATHER_DEADLINE_MS": "60000", "GATHER_LEG_TIMEOUT_MS": "59000"}
HANG = {name: {"hang_rate": 1} for name in LEGS}
LARGE = "/api/openapi.json"
SLOW = {name: {"latency": {"kind": "fixed", "ms": 3000}} for name in LEGS}


@dataclass(frozen=True, slots=True)
class Server:
    """A process, its port and the file of its log."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}"

    def logged(self, event: str, **fields: Any) -> int:
        """How many lines of its log are of this event, with these fields."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return sum({"event": event, **fields}.items() <= line.items() for line in lines)

    async def ended(self) -> int:
        """Wait for its end; the exit status, 0 if it died of the SIGTERM that it was sent, as uvicorn does."""
        async with asyncio.timeout(START):
            status = await self.process.wait()
        return 0 if status == -signal.SIGTERM else status


@contextlib.asynccontextmanager
async def started(folder: Path, **env: str) -> AsyncIterator[Server]:
    """`python -m api` on the test database, which may not answer yet."""
    (folder / "metrics").mkdir()
    own = {
        "PORT": str(free_port()),
        "DATABASE_URL": database_url(),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
        **GATHER,
        **env,
    }
    log = folder / "log"
    with log.open("w") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api", env={**os.environ, **own}, stderr=file
        )
    try:
        yield Server(process, int(own["PORT"]), log)
    finally:
        if process.returncode is None:
            # Not SIGKILL, which would leave its workers with connections to the database for a moment.
            process.terminate()
            async with asyncio.timeout(START):
                await process.wait()


@contextlib.asynccontextmanager
async def serving(folder: Path, **env: str) -> AsyncIterator[Server]:
    """The same, once it answers."""
    async with started(folder, **env) as server:
        await eventually(lambda: healthy("127.0.0.1", server.port), within=START, what="it answers")
        yield server


async def get(url: str) -> httpx.Response:
    """A request over a new connection, as patient as the test."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return await client.get(url)


@pytest_asyncio.fixture
async def session(user: User, clean_redis: Any) -> str:
    """A session of Ada's."""
    return await sign_in(user)


class Proxy:
    """A peer that forwards for others, with the session of a user."""

    def __init__(self, base: str, session: str) -> None:
        self.base, self.cookies = base, {"sessionid": session}
        self.client = httpx.AsyncClient(base_url=base, trust_env=False, timeout=60)

    async def address(self, redis: Any, **headers: str) -> str:
        """The address that a sign-in is counted for."""
        for key in await redis.keys("*login*"):
            await redis.delete(key)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"username": "no-such-user", "password": "x"}
        assert (await self.client.post("/api/login/", json=body, headers=headers)).status_code == 401
        keys = [key.split("/") for key in await redis.keys("*login/*")]
        (counted,) = {key[key.index("login") + 1] for key in keys}
        return str(counted)

    async def is_https(self, **headers: str) -> bool:
        """True if the application takes the scheme for https: only then is a write from such an origin allowed."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        cookie = f"sessionid={self.cookies['sessionid']}"
        me = await self.client.get("/api/me/", headers={"Cookie": cookie})
        token = me.headers["Set-Cookie"].partition("csrftoken=")[2].partition(";")[0]
        headers |= {
            "Cookie": f"{cookie}; csrftoken={token}",
            "X-CSRFToken": me.json()["csrf_token"],
            "Origin": self.base.replace("http:", "https:"),
        }
        answer = await self.client.post("/api/session/", json={"key": "a", "value": "b"}, headers=headers)
        assert answer.status_code in {200, 403}
        return answer.status_code == 200


FORWARDED = {"X_Forwarded_For": "6.6.6.6, 203.0.113.9, 10.1.2.3", "X_Forwarded_Proto": "https"}


@pytest.mark.parametrize("server", SERVERS)
async def test_forwarded_headers(session: str, clean_redis: Any, tmp_path: Path, server: str) -> None:
    """Of a trusted peer: the last address that no proxy has, and the scheme. Of any other: nothing."""
    trusted = {"FORWARDED_ALLOW_IPS": "::1, 10.0.0.0/8", "LISTEN_IPV6": "1", "HTTPS_ONLY": "0"}
    async with serving(tmp_path, SERVER=server, WEB_CONCURRENCY="1", **trusted) as process:
        # Its sockets are opened one after the other.
        await eventually(lambda: healthy("[::1]", process.port), what="it answers at ::1")
        proxy, client = Proxy(process.url("[::1]"), session), Proxy(process.url(), session)
        assert await proxy.address(clean_redis, **FORWARDED) == "203.0.113.9"
        assert await proxy.address(clean_redis, X_Forwarded_For="2001:db8::1") == "2001:db8::"
        assert await client.address(clean_redis, **FORWARDED) == "127.0.0.1"
        assert await proxy.is_https(**FORWARDED)
        assert not await proxy.is_https(X_Forwarded_Proto="gopher")
        assert not await client.is_https(**FORWARDED)
        for each in (proxy, client):
            await each.client.aclose()


@pytest.mark.parametrize("server", SERVERS)
async def test_every_peer_is_a_proxy(session: str, clean_redis: Any, tmp_path: Path, server: str) -> None:
    """`*`, if only a proxy can reach the service: the first address, as with uvicorn. By two workers."""
    trusted = {"FORWARDED_ALLOW_IPS": "*", "HTTPS_ONLY": "0"}
    async with serving(tmp_path, SERVER=server, WEB_CONCURRENCY="2", **trusted) as process:
        proxy = Proxy(process.url(), session)
        assert await proxy.address(clean_redis, X_Forwarded_For="203.0.113.9") == "203.0.113.9"
        assert await proxy.is_https(**FORWARDED)
        await proxy.client.aclose()
        workers = await pids(process, 2)
        assert process.process.pid not in workers


@pytest.mark.parametrize("server", SERVERS)
async def test_malformed_proxies(tmp_path: Path, server: str) -> None:
    """One line that names the variable and the value; nothing is served."""
    async with started(tmp_path, SERVER=server, FORWARDED_ALLOW_IPS="10.0.0.0/8,gateway") as process:
        assert await process.ended() == 1
        (line,) = process.log.read_text().splitlines()
    assert line.startswith("configuration: ")
    assert "FORWARDED_ALLOW_IPS" in line
    assert "'gateway'" in line


async def pids(process: Server, number: int) -> set[int]:
    """The processes that answer, once there are that many."""
    found: set[int] = set()

    async def all_answered() -> bool:
        with contextlib.suppress(httpx.TransportError):
            found.add((await get(f"{process.url()}/api/mode/")).json()["pid"])
        return len(found) >= number

    await eventually(all_answered, within=START, what=f"{number} workers answer")
    return found


@pytest.mark.parametrize(("server", "workers"), [("uvicorn", 1), ("daphne", 2), ("hypercorn", 2)])
async def test_a_whole_life(database: None, upstream: Upstream, tmp_path: Path, server: str, workers: int) -> None:
    """Start, requests, a client that leaves, SIGTERM with a request in flight, which is answered, and the end."""
    env = {"SERVER": server, "WEB_CONCURRENCY": str(workers), "UPSTREAM_URL": upstream.url, "DRAIN_SECONDS": "60"}
    async with serving(tmp_path, **env) as process:
        await pids(process, workers)
        assert process.logged("process.started") == workers
        for view in ("external", "external/sync", "external/gather", "gather"):
            answer = await get(f"{process.url()}/api/{view}/")
            assert answer.status_code == 200
            assert "server" not in answer.headers
            assert process.logged("http.request", path=f"/api/{view}/") == 1
        assert process.log.read_text().count("/api/external/gather/") == 1
        await too_large(process)
        await leaves_in_flight(process, upstream)
        await upstream.fault(**SLOW)
        waiting = asyncio.create_task(get(f"{process.url()}/api/gather/"))
        await upstream.reaches(in_flight=3)
        process.process.terminate()
        answer = await waiting
        assert (answer.status_code, answer.json()["meta"]["partial"]) == (200, False)
        assert answer.headers["Connection"].lower() == "close"
        assert await process.ended() == 0
        assert not await healthy("127.0.0.1", process.port)
    assert process.logged("process.stopped") == workers
    assert "Traceback" not in process.log.read_text()


async def too_large(process: Server) -> None:
    """A body over the limit is 413 before its end has come, and the client can go on with the next request."""
    async with httpx.AsyncClient(base_url=process.url(), trust_env=False, timeout=60) as client:
        for _ in range(5):
            assert (await client.post("/api/items/", content=b"x" * 5_000_000)).status_code == 413
            assert (await client.get("/api/items/")).status_code == 200


async def leaves_in_flight(process: Server, upstream: Upstream) -> None:
    """A client leaves while its request is at the upstream: that is cancelled there."""
    await upstream.fault(**HANG)
    leaver = asyncio.create_task(get(f"{process.url()}/api/gather/"))
    await upstream.reaches(in_flight=3)
    leaver.cancel()
    await asyncio.wait([leaver])
    await upstream.reaches(in_flight=0)


@contextlib.contextmanager
def reads_nothing(port: int) -> Iterator[None]:
    """A client that asks for more than all buffers on the way can hold."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.settimeout(START)
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 200)
        yield


@pytest.mark.parametrize("server", SERVERS)
async def test_the_end_is_bounded(database: None, upstream: Upstream, tmp_path: Path, server: str) -> None:
    """A request that never ends, and a client that reads nothing, have DRAIN_SECONDS; the resources are closed."""
    await upstream.fault(**HANG)
    env = {"SERVER": server, "WEB_CONCURRENCY": "1", "UPSTREAM_URL": upstream.url, "DRAIN_SECONDS": "1"}
    async with serving(tmp_path, **env) as process:
        waiting = asyncio.create_task(get(f"{process.url()}/api/gather/"))
        await upstream.reaches(in_flight=3)
        with reads_nothing(process.port):
            await eventually(lambda: process.logged("http.request", path=LARGE) > 0, within=START, what="it is served")
            process.process.terminate()
            assert await process.ended() == 0
        await asyncio.wait([waiting])
        assert waiting.exception() is not None or waiting.result().status_code >= 500
        await upstream.reaches(in_flight=0)
    assert process.logged("process.stopped") == 1


@pytest.mark.parametrize("server", ["daphne", "hypercorn"])
async def test_a_worker_that_dies_is_replaced(database: None, tmp_path: Path, server: str) -> None:
    """Killed as by the kernel for want of memory; and workers end when their parent is killed."""
    async with serving(tmp_path, SERVER=server, WEB_CONCURRENCY="2") as process:
        victim = (await pids(process, 2)).pop()
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: process.logged("process.started") == 3, within=START, what="a third has started")
        assert process.logged("worker.died", worker=victim) == 1
        assert victim not in await pids(process, 2)
        process.process.kill()
        assert await process.ended() == -signal.SIGKILL
        await eventually(lambda: process.logged("process.stopped") == 2, within=START, what="its workers have ended")
        assert not await healthy("127.0.0.1", process.port)


@pytest.mark.parametrize(("server", "workers"), [("uvicorn", "1"), ("daphne", "1"), ("hypercorn", "2")])
async def test_what_cannot_start_ends(tmp_path: Path, server: str, workers: str) -> None:
    """If a resource cannot be opened, the process ends with status 3, and no worker is replaced for ever."""
    async with started(tmp_path, SERVER=server, WEB_CONCURRENCY=workers, REDIS_URL="nonsense://") as process:
        assert await process.ended() == 3
    assert process.logged("process.start_failed") >= 1
