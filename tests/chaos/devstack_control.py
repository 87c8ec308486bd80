"""`Control` over the stack of processes that the embedded runner supervises."""

import asyncio
import contextlib
import os
import random
import signal
import time

import psutil
from tests.chaos.control import POSTGRES, REDIS, Reading
from tests.chaos.database import Database

from devstack.health import healthy
from devstack.process import Service
from devstack.stack import Stack

_NAMES = {REDIS: "valkey"}
# A realtime process drains for DRAIN_SECONDS + 5 s at most.
_END_DEADLINE = 30.0


class EmbeddedControl:
    """Signals to the processes, and the runner told not to bring back what is to stay down."""

    def __init__(self, stack: Stack, database: Database, rng: random.Random) -> None:
        self._stack = stack
        self._database = database
        self._rng = rng
        self._paused: dict[str, list[int]] = {}

    def _service(self, name: str) -> Service:
        wanted = _NAMES.get(name, name)
        return next(service for service in self._stack.services if service.program.name == wanted)

    def _family(self, name: str) -> list[psutil.Process]:
        """The main process and what descends from it; PostgreSQL's backends are groups of their own."""
        pid = self._service(name).pid
        if pid is None:
            return []
        try:
            main = psutil.Process(pid)
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    async def kill(self, service: str) -> None:
        await self._end(service, signal.SIGKILL)

    async def terminate(self, service: str) -> None:
        await self._end(service, signal.SIGTERM)

    async def _end(self, name: str, number: signal.Signals) -> None:
        service, family = self._service(name), self._family(name)
        service.hold()
        # Of PostgreSQL only the postmaster: its backends see that it is gone, as after the kernel's OOM killer.
        victims = family if number is signal.SIGKILL and name != POSTGRES else family[:1]
        for process in victims:
            _signal(process.pid, number)
        deadline = time.monotonic() + _END_DEADLINE
        while service.pid is not None and time.monotonic() < deadline:  # noqa: ASYNC110 - the runner awaits it, not we
            await asyncio.sleep(0.02)
        for process in family if service.pid is not None else []:
            _signal(process.pid, signal.SIGKILL)

    async def start(self, service: str) -> None:
        if service == POSTGRES:
            _reap("postgres")
        self._service(service).release()

    async def kill_worker(self, service: str) -> None:
        # Of those that its master started.
        workers = [process for process in self._family(service)[1:] if _is_worker(process)]
        if workers:
            _signal(self._rng.choice(workers).pid, signal.SIGKILL)

    async def pause(self, service: str) -> None:
        # The main process first, so that it starts no other one meanwhile.
        paused = self._paused.setdefault(service, [])
        for process in self._family(service):
            _signal(process.pid, signal.SIGSTOP)
            paused.append(process.pid)

    async def resume(self, service: str) -> None:
        for pid in self._paused.pop(service, []):
            _signal(pid, signal.SIGCONT)

    async def resume_all(self) -> None:
        for service in list(self._paused):
            await self.resume(service)

    async def healthy(self, service: str) -> bool:
        if service == POSTGRES:
            # It answers a probe before it is done with its recovery.
            return await self._database.healthy()
        program = self._service(service)
        return program.pid is not None and await healthy(program.program.health)

    async def reading(self, service: str) -> Reading:
        processes = rss = threads = files = 0
        for process in self._family(service):
            with contextlib.suppress(psutil.Error):
                rss += process.memory_info().rss
                threads += process.num_threads()
                files += process.num_fds()
                processes += 1
        return Reading(processes, rss, threads, files)


def _reap(name: str) -> None:
    """The runner adopts what a killed process leaves behind; here it lives long, and they would stay zombies."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error, ChildProcessError):
            if child.name() == name and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
