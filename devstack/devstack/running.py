"""`run`: everything until a signal; with --detach in the background."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable
from pathlib import Path

from devstack import ports
from devstack.output import Output
from devstack.stack import Stack, rows_of
from devstack.state import DataDirectory, end_leftovers
from devstack.system import adopt_orphans

# One Ctrl-C can arrive more than once (make, timeout and the terminal all pass signals on).
_SECOND_THOUGHT = 1.0
_PROGRESS = ("  ok", "  |", "error", "port ", "waiting ", "PostgreSQL runs")


async def run(directory: DataDirectory, out: Output, *, demo: bool) -> int:
    """Starts the stack, keeps it up, and stops it on a signal or when nobody reads the output any more."""
    started = time.monotonic()
    directory.prepare()
    with directory.hold():
        adopt_orphans()
        await end_leftovers(directory.read_state(), out.say)
        stack = Stack(directory, ports.choose(say=out.say), out, temporary=False)
        ending = _Ending(stack, out)
        try:
            await ending.unless_stopped(_start(stack, out, started, demo=demo))
            while not (ending.asked.is_set() or out.closed):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ending.asked.wait(), 1)
        finally:
            began = time.monotonic()
            await stack.stop()
            out.say(f"stopped after {time.monotonic() - began:.1f} s")
    return 0


async def _start(stack: Stack, out: Output, started: float, *, demo: bool) -> None:
    await stack.start_databases()
    await stack.start_services(demo=demo)
    out.say()
    out.say(
        f"Millrace runs after {time.monotonic() - started:.1f} s. Ctrl-C (or `make stop`) ends it; data stay in .data/."
    )
    show(stack.directory, out)


def show(directory: DataDirectory, out: Output) -> None:
    """The table of addresses and demo logins."""
    state = directory.read_state()
    out.say()
    out.table(rows_of(state, directory.secrets))
    if state["logins"]:
        out.say()
        out.table(
            ((login["username"], login["password"], login["role"]) for login in state["logins"]),
            header=("Login", "Password", "Role"),
        )
    out.say()


class _Ending:
    """Turns signals into the end of the stack: the first one asks, a second Ctrl-C kills."""

    def __init__(self, stack: Stack, out: Output) -> None:
        self.asked = asyncio.Event()
        self._stack = stack
        self._out = out
        self._asked_at = 0.0
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on, number)

    async def unless_stopped(self, start: Awaitable[None]) -> None:
        """Awaits the start, and gives it up where a signal comes first."""
        starting = asyncio.ensure_future(start)
        asked = asyncio.ensure_future(self.asked.wait())
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not starting.done():
            starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting

    def _on(self, number: signal.Signals) -> None:
        now = time.monotonic()
        if not self.asked.is_set():
            self._asked_at = now
            self._out.say("\nstopping; Ctrl-C again kills at once")
            self.asked.set()
        elif number is signal.SIGINT and now - self._asked_at > _SECOND_THOUGHT:
            self._out.warn("killing")
            self._stack.kill()


def detach(directory: DataDirectory, out: Output, arguments: list[str]) -> int:
    """Starts `run` in the background and returns when it is healthy, with its progress meanwhile."""
    directory.prepare()
    log = directory.log / "run.log"
    with directory.hold():  # or a sentence that one runs already
        log.unlink(missing_ok=True)
    with log.open("ab") as file:
        # Not asyncio's: that kills its child when it is collected.
        runner = subprocess.Popen(
            [sys.executable, "-m", "devstack", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    shown = 0
    while not _is_ready(directory, runner.pid):
        ended = runner.poll() is not None
        shown = _relay(log, shown, out)
        if ended:
            out.say(f"the stack did not start; all of its output is in {log}")
            return 1
        time.sleep(0.1)
    _relay(log, shown, out)
    out.say()
    out.say(f"Millrace runs in the background: `make status` shows it, `make stop` ends it. Its log: {log}")
    show(directory, out)
    return 0


def _is_ready(directory: DataDirectory, pid: int) -> bool:
    state = directory.read_state()
    return bool(state.get("pid") == pid and state.get("ready"))


def _relay(log: Path, shown: int, out: Output) -> int:
    """Prints the new progress lines of the runner (not the services' logs, nor its table); returns how much is read."""
    lines = log.read_text(errors="replace").splitlines()
    for line in lines[shown:]:
        if line.startswith(_PROGRESS):
            out.say(line)
    return len(lines)
