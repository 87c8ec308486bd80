"""A contestant, and the process tree that it is while it runs."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import psutil

from bench import CACHE, ROOT
from bench.cores import pin_tree, usable_cores
from bench.cpu import Tree
from bench.errors import NotRunning

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
_STILL = frozenset({psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE})

Kind = Literal["ours", "peer", "limit"]


@dataclass(frozen=True, slots=True)
class Contestant:
    """How to start one.

    `argv` and the values of `env` may hold `{port}`; `env` is added to the environment of this process. `version` says
    what it is made of ("FastAPI 0.165, uvicorn 0.54"), `kind` whether it is Millrace, somebody to compare with, or the
    least that the machine allows.
    """

    name: str
    argv: tuple[str, ...]
    version: str
    kind: Kind = "peer"
    env: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


class Server:
    """A contestant that runs, on one core and in a process group of its own."""

    def __init__(self, contestant: Contestant, process: subprocess.Popen[bytes], port: int) -> None:
        self.contestant = contestant
        self.port = port
        self.tree = Tree(process.pid)
        self._process = process

    @classmethod
    async def start(cls, contestant: Contestant, core: int, extra: Mapping[str, str] | None = None) -> Self:
        """Start it and wait until it accepts connections on `core`; raises `NotRunning` with the end of its log.

        `extra` is added to its environment. Imports may use every core; what is measured runs on the one.
        """
        port = free_port()
        server = cls(contestant, _spawn(contestant, port, extra or {}), port)
        os.sched_setaffinity(server.tree.pid, usable_cores())
        try:
            await server._accepting()
            pin_tree(server.tree.pid, core)
        except BaseException:
            await server.stop()
            raise
        return server

    async def _accepting(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.check()
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                if time.monotonic() > deadline:
                    raise NotRunning(f"{self.contestant.name} does not listen: {self._last_words()}") from None
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    def check(self) -> None:
        """Raises `NotRunning` where it has ended."""
        if self._process.poll() is not None:
            code = self._process.returncode
            raise NotRunning(f"{self.contestant.name} ended with {code}: {self._last_words()}")

    def _last_words(self) -> str:
        return _log_of(self.contestant).read_text(errors="replace")[-2000:]

    async def pause(self) -> None:
        """Stop it where it is (SIGSTOP): it keeps its memory and its connections and uses no CPU.

        Returns when all of it stands still, which a process in the middle of something takes a moment for.
        """
        self._signal(signal.SIGSTOP)
        deadline = time.monotonic() + STOP_SECONDS
        while any(process.status() not in _STILL for process in self.tree.processes()):
            if time.monotonic() > deadline:
                raise NotRunning(f"{self.contestant.name} does not stand still")
            await asyncio.sleep(0.005)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL for whoever is still there after `STOP_SECONDS`."""
        family = list(self.tree.processes())
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110 - a child's end is no event
            await asyncio.sleep(0.02)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.tree.pid, number)


def _spawn(contestant: Contestant, port: int, extra: Mapping[str, str]) -> subprocess.Popen[bytes]:
    def filled(words: str) -> str:
        return words.replace("{port}", str(port))

    log = _log_of(contestant)
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, **contestant.env, **extra}
    with log.open("wb") as output:
        return subprocess.Popen(
            [filled(word) for word in contestant.argv],
            env={name: filled(value) for name, value in env.items()},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def _log_of(contestant: Contestant) -> Path:
    return CACHE / "log" / f"{re.sub(r'[^a-z0-9]+', '-', contestant.name.lower()).strip('-')}.log"
