"""A checkout with a small stack: the real runner, PostgreSQL and Valkey, and stubs of the services."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from devstack.ports import choose_free
from devstack.system import die_with_parent

ROOT = Path(__file__).parents[2]
# Seconds, for what must happen: only a failure takes that long.
DEADLINE = 90.0


def eventually[T](condition: Callable[[], T], every: float = 0.05) -> T:
    """The first true value of the condition; fails if there is none in time."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end, "this did not come true in time"
        time.sleep(every)
    return value


def free_ports() -> dict[str, str]:
    """The variables that fix the ports of a stack, to ports that are free."""
    ports = choose_free()
    return {
        f"{name.upper()}_PORT": str(getattr(ports, name))
        for name in ("api", "realtime", "upstream", "postgres", "redis")
    }


def runs(pid: int) -> bool:
    """Whether the process still does anything; a zombie waits for its new parent only."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Checkout:
    """Commands of the runner in a tree of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "devstack/devstack", root / "devstack/devstack", ignore=shutil.ignore_patterns("*.pyc"))
        shutil.copytree(Path(__file__).parent / "stubs", root, dirs_exist_ok=True)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a command of the runner; `output` has what it has printed."""
        with (self.root / f"output-{len(self._started)}").open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "devstack", *arguments],
                cwd=self.root,
                env=os.environ | {"PYTHONPATH": str(self.root / "devstack")} | env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A worker of pytest that is killed ends no fixture.
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it calls prctl and getppid only
            )
        self._started.append(process)
        return process

    def output(self, process: subprocess.Popen[bytes]) -> str:
        """What the command has printed so far."""
        return (self.root / f"output-{self._started.index(process)}").read_text()

    def finish(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Exit code and output, at the end."""
        return process.wait(DEADLINE), self.output(process)

    def call(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        return self.finish(self.start(*arguments, **env))

    def state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.root / ".data/run/state.json").read_text())
        except FileNotFoundError:
            return {}
        return state

    def running(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """The state once everything is up."""

        def ready() -> dict[str, Any]:
            assert process.poll() is None, self.output(process)
            state = self.state()
            return state if state.get("ready") and state["pid"] == process.pid else {}

        return eventually(ready)

    def service(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.state()["services"] if entry["name"] == name)

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(DEADLINE)
                except subprocess.TimeoutExpired:
                    process.kill()


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that runs; a test leaves it running and healthy."""

    checkout: Checkout
    runner: subprocess.Popen[bytes]
    ports: dict[str, str]
