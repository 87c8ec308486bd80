"""Stopping, and the settings of the process."""

import asyncio
import errno
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import httpx
import pytest

from mock_upstream.app import Upstream
from mock_upstream.data import page
from mock_upstream.server import GRACEFUL_S, KEEP_ALIVE_S, SettingError, Settings, build_server, run

type Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

DEADLINE_S = 50


class Running(Protocol):
    """conftest's server in a thread."""

    host: str
    port: int
    url: str

    def begin_stop(self) -> None: ...


async def start_request(
    url: str, faults: dict[str, object], eventually: Eventually
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request for one user that is in flight under these faults."""
    host, port = url.removeprefix("http://").split(":")
    async with httpx.AsyncClient(base_url=url, timeout=DEADLINE_S) as client:
        await client.put("/faults/users", json=faults)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /users?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n")

        async def started() -> bool:
            return bool((await client.get("/counters")).json()["users"]["in_flight"] == 1)

        await eventually(started)
    return reader, writer


async def test_drain_ends_a_hang_without_an_answer(server_of_its_own: Running, eventually: Eventually) -> None:
    """The connection is closed, so that the server can go."""
    reader, writer = await start_request(server_of_its_own.url, {"hang_rate": 1}, eventually)
    server_of_its_own.begin_stop()
    async with asyncio.timeout(DEADLINE_S):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    "faults", [{"latency": {"kind": "fixed", "ms": 60_000}}, {"drip": {"bytes_per_second": 1}}], ids=["latency", "drip"]
)
async def test_drain_completes_a_slow_answer(
    server_of_its_own: Running, eventually: Eventually, faults: dict[str, object]
) -> None:
    """What is only slow is sent at once instead of being cut."""
    reader, writer = await start_request(server_of_its_own.url, faults, eventually)
    server_of_its_own.begin_stop()
    async with asyncio.timeout(DEADLINE_S):
        assert (await reader.read()).endswith(b"\r\n\r\n" + page("users", 1))
    writer.close()


@asynccontextmanager
async def process(**env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mock_upstream", env=env, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def url_of(running: asyncio.subprocess.Process) -> str:
    assert running.stderr is not None
    async for line in running.stderr:
        if found := re.search(r"http://[\d.]+:\d+", line.decode()):
            return found[0]
    raise AssertionError("the server did not say where it listens")


@pytest.mark.parametrize(("listen_ipv6", "answers"), [("1", True), ("0", False)])
async def test_ipv6(listen_ipv6: str, answers: bool) -> None:
    """With LISTEN_IPV6=1 one port answers at 127.0.0.1 and at ::1; without it there is no IPv6."""
    async with (
        process(PORT="0", LISTEN_IPV6=listen_ipv6) as running,
        httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as client,
    ):
        port = (await url_of(running)).rpartition(":")[2]
        assert (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200
        try:
            answered = (await client.get(f"http://[::1]:{port}/health")).status_code == 200
        except httpx.ConnectError:
            answered = False
        assert answered is answers
        running.terminate()
        assert await running.wait() == 0


async def test_a_taken_port_stops_the_process_with_one_line() -> None:
    """Also with LISTEN_IPV6=1, where the sockets are made before uvicorn is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with process(PORT=str(port), LISTEN_IPV6="1") as running:
            assert running.stderr is not None
            line = f"mock-upstream: LISTEN_IPV6=1, but port {port} of 0.0.0.0 cannot be listened on: "
            assert (await running.stderr.read()).decode() == f"{line}Address already in use\n"
            assert await running.wait() == 1


def test_no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without IPv6 the message says so, and what to do."""

    def ipv4_only(family: int = socket.AF_INET, *_: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family)

    real = socket.socket
    monkeypatch.setattr(socket, "socket", ipv4_only)
    with pytest.raises(SystemExit, match=r"^mock-upstream: .* this machine has no IPv6 .*: set LISTEN_IPV6=0$"):
        run({"PORT": "0", "LISTEN_IPV6": "1"})


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_cleanly(stop: signal.Signals, eventually: Eventually) -> None:
    """Exit code 0 and no traceback, with a request that hangs."""
    async with process(PORT="0") as running:
        reader, writer = await start_request(await url_of(running), {"hang_rate": 1}, eventually)
        running.send_signal(stop)
        assert await reader.read() == b""
        writer.close()
        assert running.stderr is not None
        log = (await running.stderr.read()).decode()
        assert (await running.wait(), "Traceback" in log, "ERROR" in log) == (0, False, False)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"PORT": "80a"}, "mock-upstream: PORT must be an integer from 0 to 65535, not '80a'\n"),
        ({"HOST": ""}, "mock-upstream: HOST must be a host name or an IP address, not ''\n"),
    ],
)
async def test_a_malformed_setting_stops_the_process_with_one_line(env: dict[str, str], message: str) -> None:
    """The line names the variable, and nothing else is printed."""
    async with process(**env) as running:
        assert running.stderr is not None
        assert (await running.stderr.read()).decode() == message
        assert await running.wait() == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", ""),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "8_0"),
        ("PORT", "\u0668\u0660"),
        ("HOST", "a b"),
        ("HOST", "\u00e9"),
        ("LOG_LEVEL", "loud"),
        ("LOG_LEVEL", ""),
        ("LISTEN_IPV6", "perhaps"),
        ("LISTEN_IPV6", ""),
    ],
)
def test_a_malformed_setting_is_named(name: str, value: str) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(SettingError, match=f"^{name} must be "):
        Settings.from_env({name: value})


def test_run_exits_with_the_message() -> None:
    """As the process does."""
    with pytest.raises(SystemExit, match=r"^mock-upstream: LOG_LEVEL must be one of "):
        run({"LOG_LEVEL": "loud"})


def test_every_setting_has_a_default() -> None:
    """Loopback, port 8002, informative."""
    assert Settings.from_env({}) == Settings(host="127.0.0.1", port=8002, log_level="info")


def test_settings_are_read() -> None:
    """The level in any case."""
    env = {"HOST": "::", "PORT": "65535", "LOG_LEVEL": "DEBUG", "LISTEN_IPV6": "1"}
    assert Settings.from_env(env) == Settings(host="::", port=65_535, log_level="debug", listen_ipv6=True)


def test_timeouts() -> None:
    """Idle connections outlive the proxy's 60 s, and a stop is bounded."""
    config = build_server(Settings(), Upstream()).config
    assert config.timeout_keep_alive == KEEP_ALIVE_S > 60
    assert config.timeout_graceful_shutdown == GRACEFUL_S
