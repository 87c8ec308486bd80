"""One program under supervision: started, watched, restarted where it crashes, stopped."""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable

from devstack.health import healthy
from devstack.output import Output, StackError
from devstack.spawning import Program, describe_exit, spawn, tail_of
from devstack.system import signal_group

_BACKOFF_FIRST, _BACKOFF_LAST = 0.5, 10.0
_STABLE_AFTER = 30.0
_TAIL_LINES = 30


class Service:
    """A `Program` and the process that currently runs it."""

    def __init__(self, program: Program, out: Output, changed: Callable[[], None] = lambda: None) -> None:
        self.program = program
        self.restarts = 0
        self.started_at = 0.0
        self._out = out
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._pipe: int | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._forwarder: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False
        self._released: asyncio.Event | None = None

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def start(self) -> None:
        """Returns when it is healthy; raises `StackError` with the end of its log where it does not get there."""
        if self.program.log is None:
            self._pipe = await self._open_pipe()
        await self._launch()
        if not await self._wait_until_healthy():
            raise StackError(self._why_not(), self.tail())
        self._watcher = asyncio.create_task(self._watch(), name=f"watch {self.program.name}")

    async def stop(self) -> None:
        """Asks, waits for the grace period, then kills it and its group."""
        self._stopping = True
        if self._watcher is not None:
            self._watcher.cancel()
        if self._process is not None:
            if self._process.returncode is None:
                await self._end(self._process)
            # Workers that outlived their master.
            signal_group(self._process.pid, signal.SIGKILL)
        await self._close_pipe()

    def kill(self) -> None:
        """At once, without waiting. PostgreSQL has an immediate shutdown of its own, hence `kill_signal`."""
        self._stopping = True
        if (pid := self.pid) is not None:
            if self.program.kill_signal is signal.SIGKILL:
                signal_group(pid, signal.SIGKILL)
            else:
                os.kill(pid, self.program.kill_signal)

    def hold(self) -> None:
        """From now on it is not restarted when it ends, for whoever ends it on purpose."""
        self._released = self._released or asyncio.Event()

    def release(self) -> None:
        """The opposite: what ended meanwhile is restarted at once."""
        if self._released is not None:
            self._released.set()
            self._released = None

    def tail(self) -> list[str]:
        """The last lines it logged."""
        return tail_of(self.program.log, _TAIL_LINES) if self.program.log else list(self._tail)

    async def _launch(self) -> None:
        if self.program.before is not None:
            self.program.before()
        self._process = await spawn(self.program, self._pipe)
        self.started_at = time.time()
        self._changed()

    async def _wait_until_healthy(self) -> bool:
        assert self._process is not None  # noqa: S101
        deadline = time.monotonic() + self.program.start_deadline
        while self._process.returncode is None and time.monotonic() < deadline:
            if await healthy(self.program.health):
                return True
            await asyncio.sleep(0.05)
        return False

    def _why_not(self) -> str:
        code = self._process.returncode if self._process else None
        if code is None:
            return f"{self.program.name} was not healthy within {self.program.start_deadline:g} s"
        return f"{self.program.name} {describe_exit(code)} while it started"

    async def _watch(self) -> None:
        delay = _BACKOFF_FIRST
        while True:
            assert self._process is not None  # noqa: S101
            code = await self._process.wait()
            if self._stopping:
                return
            # What is left of it (uvicorn's workers, say) would keep the port.
            signal_group(self._process.pid, signal.SIGKILL)
            if time.time() - self.started_at > _STABLE_AFTER:
                delay = _BACKOFF_FIRST
            if self._released is not None:
                self._out.warn(f"{self.program.name} {describe_exit(code)}: held down")
                self._changed()
                await self._released.wait()
            else:
                self._out.warn(f"{self.program.name} {describe_exit(code)}: restarting in {delay:g} s")
                self._changed()
                await asyncio.sleep(delay)
                delay = min(delay * 2, _BACKOFF_LAST)
            await self._relaunch()

    async def _relaunch(self) -> None:
        self.restarts += 1
        try:
            await self._launch()
        except (OSError, StackError) as error:
            self._out.warn(f"{self.program.name} could not be restarted: {error}")
            return
        if await self._wait_until_healthy():
            self._out.say(f"{self.program.name} is back (pid {self.pid})")
            self._changed()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.grace):
                await process.wait()
        except TimeoutError:
            self._out.warn(f"{self.program.name} did not stop within {self.program.grace:g} s: killed")
            signal_group(process.pid, signal.SIGKILL)
            await process.wait()

    async def _open_pipe(self) -> int:
        """One pipe for all of its processes. With asyncio's own, `wait()` would wait for orphans that hold it."""
        read_end, write_end = os.pipe()
        reader = asyncio.StreamReader(limit=2**20)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
        )
        self._forwarder = asyncio.create_task(self._forward(reader), name=f"log of {self.program.name}")
        return write_end

    async def _forward(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await reader.readline()
            except ValueError:  # a line beyond the limit: readline has dropped what it had of it
                continue
            if not raw:
                return
            text = raw.decode(errors="replace").rstrip()
            self._tail.append(text)
            self._out.line(self.program.name, text)

    async def _close_pipe(self) -> None:
        if self._pipe is None or self._forwarder is None:
            return
        os.close(self._pipe)
        self._pipe = None
        # Ends by itself: nobody holds the write end any more.
        await asyncio.wait([self._forwarder], timeout=2)
