"""The data directory: who holds it, what runs from it, and its secrets."""

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

from devstack.output import StackError
from devstack.system import runs

_LEAST_FREE = 200 * 2**20


class DataDirectory:
    """`.data/` and its parts. Secrets are the owner's alone; the rest may be passed through by PostgreSQL's user."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.run = self.root / "run"
        self.log = self.root / "log"
        self.secrets = self.root / "secrets"
        self._lock = self.run / "lock"
        self._state = self.run / "state.json"

    def prepare(self) -> None:
        """Makes the directories; raises where the disk is full."""
        for path, mode in ((self.root, 0o755), (self.run, 0o755), (self.log, 0o755), (self.secrets, 0o700)):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
        free = shutil.disk_usage(self.root).free
        if free < _LEAST_FREE:
            raise StackError(
                f"only {free // 2**20} MB are free on the disk of {self.root}; Millrace needs {_LEAST_FREE // 2**20} MB"
            )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Only one stack at a time. The kernel lets go of the lock however its holder dies, so it cannot be stale."""
        with self._lock.open("a+") as file:
            if not _try_lock(file, fcntl.LOCK_EX, patience=0.3):
                raise StackError(
                    f"Millrace runs already (pid {self.holder()}); `make status` shows it, `make stop` stops it"
                )
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
            file.truncate(0)

    def holder(self) -> int | None:
        """The pid of the runner, or None where none runs."""
        try:
            file = self._lock.open()
        except FileNotFoundError:
            return None
        with file:
            while not _try_lock(file, fcntl.LOCK_SH):
                file.seek(0)
                if pid := file.read().strip():
                    return int(pid)
                time.sleep(0.01)  # locked, and its pid not written yet
        return None

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(50)) -> str:
        """Made at first use, kept from then on."""
        path = self.secrets / name
        if path.exists() and (kept := path.read_text().strip()):
            return kept
        value = make()
        _write(path, value + "\n")
        return value

    def write_state(self, state: dict[str, Any]) -> None:
        _write(self._state, json.dumps(state, indent=2) + "\n")

    def read_state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._state.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return state


def _try_lock(file: IO[str], how: int, patience: float = 0.0) -> bool:
    """Patience is for `holder()`, which takes the lock for an instant to see whether it can."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _write(path: Path, text: str) -> None:
    """Whole or not at all, readable by the owner only."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    unfinished.replace(path)


async def end_leftovers(state: dict[str, Any], say: Callable[[str], None], patience: float = 10.0) -> None:
    """Ends what a killed runner left: on Linux it is on its way out already, elsewhere nobody told it."""
    left = [process for entry in state.get("services", []) if (process := _same_process(entry)) is not None]
    if not left:
        return
    say(f"waiting for {len(left)} processes of a runner that was killed")
    for process in left:
        _quietly(process.terminate)
    deadline = time.monotonic() + patience
    # Not children of ours, so there is no event to wait for.
    while time.monotonic() < deadline and any(runs(process) for process in left):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    for process in left:
        _quietly(process.kill)


def _same_process(entry: dict[str, Any]) -> psutil.Process | None:
    """The process of a state entry, unless the pid belongs to another one by now."""
    try:
        process = psutil.Process(entry["pid"])
        same = abs(process.create_time() - entry["started_at"]) < 5 and runs(process)
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None
    return process if same else None


def _quietly(end: Callable[[], None]) -> None:
    try:
        end()
    except psutil.Error:
        return
