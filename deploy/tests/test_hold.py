"""A service that is ended on purpose stays down until it is let go."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from embedded.health import healthy
from embedded.output import Output
from embedded.ports import HOST, choose_free
from embedded.process import Program, Service


async def _eventually(service: Service, *, well: bool) -> None:
    async with asyncio.timeout(30):
        while await healthy(service.program.health) is not well:  # noqa: ASYNC110 - another process
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
            await _eventually(service, well=False)
            said = tmp_path / "runner"
            async with asyncio.timeout(30):
                while "held down" not in said.read_text():  # noqa: ASYNC110 - it says so in its log only
                    await asyncio.sleep(0.02)
            assert service.pid is None
            service.release()
            await _eventually(service, well=True)
            _kill(service)
            await _eventually(service, well=False)
            await _eventually(service, well=True)
            assert service.restarts == 2
        finally:
            await service.stop()
