"""A service that is ended on purpose stays down until it is let go."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from small_stack import DEADLINE

from devstack.health import healthy
from devstack.output import Output
from devstack.ports import HOST, choose_free
from devstack.process import Service
from devstack.spawning import Program


async def _well(service: Service, restarts: int) -> None:
    """Wait until it has been restarted so many times, and is well."""
    async with asyncio.timeout(DEADLINE):
        while service.restarts < restarts or not await healthy(service.program.health):  # noqa: ASYNC110 - it runs
            await asyncio.sleep(0.02)


def _kill(service: Service) -> None:
    assert service.pid is not None
    os.kill(service.pid, signal.SIGKILL)


async def test_held_down_and_let_go(tmp_path: Path) -> None:
    """It is not restarted while it is held, at once when it is released, and as ever afterwards."""
    port = choose_free().api
    program = Program(
        name="web",
        argv=(sys.executable, "-m", "http.server", str(port), "--bind", HOST),
        env=dict(os.environ),
        cwd=tmp_path,
        port=port,
        health=f"http://{HOST}:{port}/",
        log=tmp_path / "log",
    )
    with (tmp_path / "runner").open("w") as log:
        service = Service(program, Output(log))
        await service.start()
        try:
            service.hold()
            _kill(service)
            said = tmp_path / "runner"
            async with asyncio.timeout(DEADLINE):
                while "held down" not in said.read_text():  # noqa: ASYNC110 - it says so in its log only
                    await asyncio.sleep(0.02)
            assert service.pid is None
            assert not await healthy(program.health)
            service.release()
            await _well(service, restarts=1)
            _kill(service)
            await _well(service, restarts=2)
        finally:
            await service.stop()
