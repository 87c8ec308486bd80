"""What a program is, how it is started, and what is said about its end."""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.output import StackError
from devstack.system import die_with_parent, signal_group


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Whom a program runs as; only root can run one as somebody else."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How to run something, and how to know that it is well.

    With `log` its output goes to that file; without, through the runner, a prefix before each line. `before` runs
    ahead of every start, also of a restart.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    port: int
    health: str
    log: Path | None = None
    user: SystemUser | None = None
    pass_fds: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL
    grace: float = 16.0
    start_deadline: float = 60.0
    before: Callable[[], None] | None = None


def _identity(user: SystemUser | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": []}


async def spawn(program: Program, pipe: int | None) -> asyncio.subprocess.Process:
    """Starts the program in a session of its own: a Ctrl-C in the terminal reaches the runner only."""
    log = program.log.open("ab") if program.log else None
    try:
        return await asyncio.create_subprocess_exec(
            *program.argv,
            stdin=subprocess.DEVNULL,
            stdout=log or pipe,
            stderr=subprocess.STDOUT,
            env=dict(program.env),
            cwd=program.cwd,
            pass_fds=program.pass_fds,
            start_new_session=True,
            preexec_fn=die_with_parent(program.stop_signal),
            **_identity(program.user),
        )
    finally:
        if log:
            log.close()


async def run_once(
    name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path, user: SystemUser | None = None
) -> str:
    """Runs a command to its end and returns its output; raises `StackError` with the end of that where it fails."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
        **_identity(user),
    )
    try:
        stdout, stderr = await process.communicate()
    except asyncio.CancelledError:
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    if process.returncode != 0:
        lines = (stdout + stderr).decode(errors="replace").splitlines()
        raise StackError(f"{name} {describe_exit(process.returncode or 0)}", lines[-20:])
    return stdout.decode(errors="replace")


def describe_exit(code: int) -> str:
    """The middle of a sentence: "exited with code 1", "was killed by SIGKILL"."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def tail_of(path: Path, lines: int) -> list[str]:
    """The last lines of a log, read from its end however long it is."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
