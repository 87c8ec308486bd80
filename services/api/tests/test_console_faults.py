"""The demo's faults: who may cause them, where they can be caused, and that they are."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.console.system import faults
from chassis import redis
from devstack.faults import Faults
from devstack.output import Output
from devstack.ports import HOST, choose_free
from devstack.process import Service
from devstack.spawning import Program
from testing.waiting import eventually

PAUSE, KILL = "/system/faults/pause-redis/", "/system/faults/kill-realtime/"


def _service(name: str, port: int, folder: Path) -> Service:
    program = Program(
        name=name,
        argv=(sys.executable, "-m", "http.server", str(port), "--bind", HOST),
        env=dict(os.environ),
        cwd=folder,
        port=port,
        health=f"http://{HOST}:{port}/",
        log=folder / f"{name}.log",
    )
    return Service(program, Output((folder / "runner.log").open("a")))


@pytest_asyncio.fixture
async def runner(tmp_path: Path, settings: Any) -> AsyncIterator[list[Service]]:
    """The runner's end of the socket, with two processes that it supervises under the names of realtime's."""
    ports = choose_free()
    services = [
        _service("realtime-1", ports.realtime_1, tmp_path),
        _service("realtime-2", ports.realtime_2, tmp_path),
    ]
    control = Faults(tmp_path / "faults.sock", Output((tmp_path / "runner.log").open("a")))
    control.services = services
    await asyncio.gather(*(service.start() for service in services))
    assert await control.open()
    settings.DEMO, settings.FAULTS_SOCKET = True, str(control.path)
    yield services
    control.close()
    await asyncio.gather(*(service.stop() for service in services))


async def test_kill_realtime(user_client: httpx.AsyncClient, runner: list[Service]) -> None:
    """One of the processes is killed, which one is said, and the runner starts it again."""
    before = {service.pid for service in runner}
    answer = await user_client.post(KILL)
    assert (answer.status_code, "was killed" in answer.json()["said"]) == (200, True)
    await eventually(lambda: sum(service.restarts for service in runner) == 1, what="one of them was restarted")
    await eventually(lambda: all(service.pid for service in runner))
    assert len(before & {service.pid for service in runner}) == 1


async def test_never_the_last_one(user_client: httpx.AsyncClient, runner: list[Service]) -> None:
    """While one is down the other is left alone: 409."""
    runner[0].hold()
    assert runner[0].pid is not None
    os.kill(runner[0].pid, signal.SIGKILL)
    await eventually(lambda: runner[0].pid is None)
    answer = await user_client.post(KILL)
    assert (answer.status_code, answer.json()["error"]) == (409, "a realtime process is down already")
    assert runner[1].pid is not None
    runner[0].release()


async def test_unknown_fault(user_client: httpx.AsyncClient, runner: list[Service]) -> None:
    """404 for anything else, and the runner does nothing of its own."""
    assert (await user_client.post("/system/faults/drop-tables/")).status_code == 404
    reader, writer = await asyncio.open_unix_connection(str(runner[0].program.cwd / "faults.sock"))
    for nonsense in (b'{"fault": "drop-tables"}\n',):
        writer.write(nonsense)
        assert b"there is no such fault" in await reader.readline()
    writer.close()


@pytest.mark.parametrize("nonsense", [b"[]\n", b"kill\n", b"\n"])
async def test_nonsense(runner: list[Service], nonsense: bytes) -> None:
    """What is not a request is answered with an error, and nothing is killed."""
    reader, writer = await asyncio.open_unix_connection(str(runner[0].program.cwd / "faults.sock"))
    writer.write(nonsense)
    assert b"not understood" in await reader.readline()
    writer.close()
    assert all(service.pid for service in runner)


async def test_pause_redis(
    user_client: httpx.AsyncClient, clean_redis: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis answers nobody for a while, and goes on by itself."""
    settings.DEMO = True
    # Shorter than anything in this process waits for Redis, so nothing else fails.
    monkeypatch.setattr(faults, "PAUSE_SECONDS", 0.2)
    began = asyncio.get_running_loop().time()
    assert (await user_client.post(PAUSE)).json()["said"] == "Redis answers nobody for 0.2 seconds"
    assert await redis.client().ping()
    # Not before its time; how long after it is the machine's.
    assert asyncio.get_running_loop().time() - began >= 0.19


async def test_only_in_the_demo(staff_client: httpx.AsyncClient, settings: Any) -> None:
    """Anywhere else: 403, for staff too."""
    settings.DEMO, settings.FAULTS_SOCKET = False, "/nowhere"
    for path in (PAUSE, KILL):
        answer = await staff_client.post(path)
        assert (answer.status_code, answer.json()["error"]) == (403, "Faults are for the demo only")


async def test_only_for_somebody(client: httpx.AsyncClient, settings: Any) -> None:
    """A stranger may not: 401."""
    settings.DEMO = True
    assert (await client.post(PAUSE)).status_code == 401


async def test_not_from_another_page(session_client: httpx.AsyncClient, settings: Any) -> None:
    """A page of another site could send the cookie, but not the token: 403."""
    settings.DEMO = True
    del session_client.headers["X-CSRFToken"]
    assert (await session_client.post(KILL)).json()["error"] == "CSRF check failed"


async def test_without_a_runner(user_client: httpx.AsyncClient, settings: Any) -> None:
    """In containers nothing can kill a process: 404, and the page has no such button."""
    settings.DEMO, settings.FAULTS_SOCKET = True, ""
    assert (await user_client.post(KILL)).status_code == 404
    page = (await user_client.get("/system/")).text
    assert ("pause-redis" in page, "kill-realtime" in page) == (True, False)


async def test_runner_is_gone(user_client: httpx.AsyncClient, settings: Any, tmp_path: Path) -> None:
    """A runner that does not answer: 503."""
    settings.DEMO, settings.FAULTS_SOCKET = True, str(tmp_path / "faults.sock")
    assert (await user_client.post(KILL)).status_code == 503


async def test_no_buttons_elsewhere(client: httpx.AsyncClient, settings: Any) -> None:
    """Where this is no demo, the page has none."""
    settings.DEMO = False
    assert "data-fault" not in (await client.get("/system/")).text
