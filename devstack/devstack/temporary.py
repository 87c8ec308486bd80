"""`exec` and `stack`: a command with servers of its own, which are gone afterwards."""

import asyncio
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path

from devstack import ports
from devstack.output import Output
from devstack.services import ROOT, base_environment
from devstack.stack import Stack
from devstack.state import DataDirectory
from devstack.system import adopt_orphans, die_with_parent

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE = 15.0


async def run_command(command: Sequence[str], out: Output, *, services: bool, demo: bool) -> int:
    """Runs the command with PostgreSQL and Valkey, and with `services` the whole stack. Returns its exit code."""
    adopt_orphans()
    directory = DataDirectory(Path(tempfile.mkdtemp(prefix="millrace-")))
    directory.prepare()
    relay = _Relay()
    stack = Stack(directory, ports.choose_free(), out, temporary=True)
    code = 1
    try:
        code = await relay.run(_serve(stack, command, relay, services=services, demo=demo))
    finally:
        await stack.stop()
        if code != 0 and services:
            _keep_logs(directory, out)
        shutil.rmtree(directory.root, ignore_errors=True)
    return code


async def _serve(stack: Stack, command: Sequence[str], relay: "_Relay", *, services: bool, demo: bool) -> int:
    await stack.start_databases()
    env = {
        **base_environment(secrets.token_urlsafe(50), stack.addresses.database_url, stack.addresses.redis_url),
        # The command may be Python and want this package, as our own tests do.
        **{name: os.environ[name] for name in ("PYTHONPATH", "DJANGO_SETTINGS_MODULE") if name in os.environ},
    }
    if services:
        await stack.start_services(demo=demo)
        env |= stack.urls()
    return await relay.command(command, env)


class _Relay:
    """The command stays in the terminal's foreground (pdb works, Ctrl-C reaches it); what only we get is passed on."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[int] | None = None
        self._signal: signal.Signals | None = None
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on, number)

    async def run(self, work: Coroutine[None, None, int]) -> int:
        self._task = asyncio.create_task(work)
        try:
            return await self._task
        except asyncio.CancelledError:
            return 128 + (self._signal or signal.SIGTERM)

    async def command(self, command: Sequence[str], env: Mapping[str, str]) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *command, env=dict(env), preexec_fn=die_with_parent(signal.SIGTERM)
        )
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    def _on(self, number: signal.Signals) -> None:
        first, self._signal = self._signal is None, number
        if self._process is None:
            if self._task is not None and first:
                self._task.cancel()
        elif self._process.returncode is None and number is not signal.SIGINT:
            self._process.send_signal(number)
            asyncio.get_running_loop().call_later(_GRACE, self._kill)

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


def _keep_logs(directory: DataDirectory, out: Output) -> None:
    kept = ROOT / ".data" / "log" / f"stack-{os.getpid()}"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(directory.log, kept)
    print(f"the services' logs: {kept}", file=sys.stderr)
