"""A PostgreSQL of a test's own, to be frozen."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

START_SECONDS = 120
_RUNNER = Path(__file__).parents[3] / "devstack"
_TELL = "import os, sys; print(os.environ['DATABASE_URL'], flush=True); sys.stdin.read()"


class PostgresServer:
    """On a free port of loopback, gone with the test."""

    url = ""

    async def start(self) -> None:
        """Start, and wait until it answers; the runner knows how, also as root."""
        self._runner = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "devstack", "exec", "--", sys.executable, "-c", _TELL,
            env={**os.environ, "PYTHONPATH": str(_RUNNER)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._runner.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            self.url = (await self._runner.stdout.readline()).decode().strip()
        assert self.url, "the runner did not start it"
        (self._postmaster,) = (
            process
            for process in psutil.Process(self._runner.pid).children(recursive=True)
            if process.name() == "postgres" and (parent := process.parent()) and parent.name() != "postgres"
        )

    async def stop(self) -> None:
        """End it, frozen or not."""
        self.thaw()
        assert self._runner.stdin is not None
        self._runner.stdin.close()
        async with asyncio.timeout(START_SECONDS):
            await self._runner.wait()

    def freeze(self) -> None:
        """It keeps its connections, the kernel takes new ones for it, and it answers nothing."""
        self._postmaster.send_signal(signal.SIGSTOP)
        self.freeze_backends()

    def freeze_backends(self) -> None:
        """The processes behind the connections that there are answer nothing; new connections are served."""
        _signal(self._postmaster.children(), signal.SIGSTOP)

    def thaw(self) -> None:
        """End of either."""
        _signal([*self._postmaster.children(), self._postmaster], signal.SIGCONT)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        # A backend whose client is gone ends by itself, also between being listed and now.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
