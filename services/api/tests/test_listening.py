"""Where `python -m api` listens, under each of its servers."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from testing.ports import free_port
from testing.starts import Starts
from testing.waiting import DEADLINE, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
START_SECONDS = 90
HEALTHCHECK = Path(__file__).parents[3] / "deploy" / "containers" / "healthcheck.py"
SERVERS = [
    {"SERVER": "uvicorn", "WEB_CONCURRENCY": "1"},
    {"SERVER": "uvicorn", "WEB_CONCURRENCY": "2"},
    {"SERVER": "daphne", "WEB_CONCURRENCY": "2"},
    {"SERVER": "hypercorn", "WEB_CONCURRENCY": "2"},
]


def database_url() -> str:
    """The URL of the test database."""
    db = settings.DATABASES["default"]
    auth = f"{db['USER']}:{db['PASSWORD']}" if db["PASSWORD"] else db["USER"]
    return f"postgresql://{auth}@{db['HOST']}:{db['PORT']}/{db['NAME']}"


@contextlib.asynccontextmanager
async def running(**env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m api` on the test database."""
    env = {**os.environ, "DATABASE_URL": database_url(), **env}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "api", env=env, stderr=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        # The pipe is read, or the process could wait for room in it.
        await process.communicate()


async def healthy(host: str, port: int) -> bool:
    """True if the api answers there."""
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        try:
            return (await client.get(f"http://{host}:{port}/health/startup")).status_code == 200
        except httpx.TransportError:
            return False


async def reports(port: int, line: str) -> bool:
    """True if the metrics of all workers together have this line."""
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        return line in (await client.get(f"http://127.0.0.1:{port}/metrics")).text.splitlines()


async def sign_in(host: str, port: int) -> int:
    """The status of a sign-in as a user that does not exist."""
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        body = {"username": "no-such-user", "password": "x"}
        return (await client.post(f"http://{host}:{port}/api/login/", json=body)).status_code


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: "-".join(server.values()))
async def test_ipv6(database: None, clean_redis: Any, tmp_path: Path, server: dict[str, str]) -> None:
    """With LISTEN_IPV6=1 one port answers at 127.0.0.1 and at ::1, and the image's health check passes.

    The client's address is known in both families: each has its own rate limit.
    """
    port = free_port()
    env = {"PORT": str(port), "LISTEN_IPV6": "1", "LOGIN_ADDRESS_RATE": "1/hour", **server}
    async with running(PROMETHEUS_MULTIPROC_DIR=str(tmp_path), **env):
        await eventually(lambda: healthy("127.0.0.1", port), within=START_SECONDS, what="it answers at 127.0.0.1")
        await eventually(lambda: healthy("[::1]", port), what="it answers at ::1")
        assert await health_check(port) == 0
        await eventually(lambda: reports(port, "millrace_database_up 1.0"), what="all workers report it")
        assert [await sign_in(host, port) for host in ("127.0.0.1", "[::1]") * 2] == [401, 401, 429, 429]


async def test_ipv4_only(database: None) -> None:
    """Without it the api listens at HOST only."""
    port = free_port()
    async with running(PORT=str(port), WEB_CONCURRENCY="1"):
        await eventually(lambda: healthy("127.0.0.1", port), within=START_SECONDS, what="it answers at 127.0.0.1")
        assert not await healthy("[::1]", port)
        assert await health_check(port) == 0


async def health_check(port: int) -> Any:
    """The exit status of what the images' health checks run."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", str(HEALTHCHECK), str(port), "/health/startup")
    return await process.wait()


@pytest.mark.parametrize(
    "name", ["LISTEN_IPV6", "PORT", "SERVER", "WEB_CONCURRENCY", "DRAIN_SECONDS", "FORWARDED_ALLOW_IPS"]
)
def test_malformed(starts: Starts, name: str) -> None:
    """A malformed variable ends the process with one line that names it."""
    code = "import runpy; runpy.run_module('api', run_name='__main__', alter_sys=True)"
    ended = starts.run(code, {**os.environ, name: "perhaps"})
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert line.startswith("configuration: ")
    assert name in line
