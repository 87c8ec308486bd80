"""A checkout in miniature: the real runner, PostgreSQL and Valkey, and stand-ins for the services."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]


def eventually[T](condition: Callable[[], T], deadline: float = 30.0) -> T:
    """The first true value of the condition; fails where there is none in time."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, "this did not come true in time"
        time.sleep(0.05)
    return value


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
        shutil.copytree(ROOT / "deploy/embedded", root / "deploy/embedded", ignore=shutil.ignore_patterns("*.pyc"))
        shutil.copytree(Path(__file__).parent / "stand_ins", root, dirs_exist_ok=True)
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded", *arguments],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root / "deploy")} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def call(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Exit code and output."""
        process = self.start(*arguments, **env)
        output, _ = process.communicate(timeout=50)
        return process.returncode, output

    def state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self.root / ".data/run/state.json").read_text())
        except FileNotFoundError:
            return {}
        return state

    def running(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """The state once everything is up."""

        def ready() -> dict[str, Any]:
            assert process.poll() is None, process.stdout and process.stdout.read()
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
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
            if process.stdout:
                process.stdout.close()
