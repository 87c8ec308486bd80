"""Runs the lanes side by side; every suite's output goes into its own file."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.lending import Lender
from devstack.output import StackError
from devstack.services import ROOT
from suites.catalogue import COVERAGE, Lane, Suite
from suites.report import Report

LOGS = ROOT / ".cache" / "suites"
# Three of them keep two cores busy although each waits now and then.
PLACES = max(3, os.cpu_count() or 1)
LIMIT_SECONDS = 1500
_POLL_SECONDS = 0.05
_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Result:
    """`code` is the exit code, negative after a signal; None if the suite was not run, and `why` says why."""

    suite: Suite
    code: int | None
    seconds: float = 0
    cpu_seconds: float = 0
    log: Path | None = None
    why: str = ""


class Run:
    """One call of `run`. `environment` is added to every suite's."""

    def __init__(self, report: Report, environment: dict[str, str]) -> None:
        self._report = report
        self._environment = {**os.environ, **environment}
        self._places = asyncio.Semaphore(PLACES)
        self._done: dict[str, asyncio.Event] = {}
        self.results: list[Result] = []

    async def run(self, lanes: Iterable[Lane]) -> list[Result]:
        """Runs every suite whatever becomes of the others. Cancelled, it ends the processes that it started."""
        LOGS.mkdir(parents=True, exist_ok=True)
        lanes = list(lanes)
        self._done = {suite.name: asyncio.Event() for lane in lanes for suite in lane.suites}
        if COVERAGE.name in self._done:
            for old in (*ROOT.glob(".coverage"), *ROOT.glob(".coverage.*")):
                old.unlink()
        async with asyncio.TaskGroup() as tasks:
            for lane in lanes:
                tasks.create_task(self._lane(lane))
        return self.results

    async def _lane(self, lane: Lane) -> None:
        await self._wait_for_others(lane)
        async with self._places:
            suites = [suite for suite in lane.suites if not self._is_missing(suite)]
            if lane.stack and suites:
                await self._with_stack(suites)
            else:
                for suite in suites:
                    await self._suite(suite, self._environment)

    async def _wait_for_others(self, lane: Lane) -> None:
        inside = {suite.name for suite in lane.suites}
        for name in {name for suite in lane.suites for name in suite.after} - inside:
            if name in self._done:
                await self._done[name].wait()

    def _is_missing(self, suite: Suite) -> bool:
        if why := suite.missing():
            self._finish(Result(suite, None, why=why))
        return bool(why)

    async def _with_stack(self, suites: list[Suite]) -> None:
        lender = Lender("stack")
        failed = True
        try:
            environment = await asyncio.to_thread(lender.wait)
            codes = [await self._suite(suite, {**self._environment, **environment}) for suite in suites]
            failed = any(codes)
        except StackError as error:
            for suite in suites:
                self._finish(Result(suite, 1, why="\n".join([*error.detail, str(error)])))
        finally:
            said = lender.close(keep_logs=failed)
            self._report.say(said if failed else "")

    async def _suite(self, suite: Suite, environment: dict[str, str]) -> int:
        """Runs it to its end, at most `LIMIT_SECONDS`; returns its exit code."""
        log = LOGS / f"{suite.name}.log"
        started = time.monotonic()
        self._report.started(suite.title)
        with log.open("wb") as output:
            try:
                # Not asyncio's, which does not tell how much CPU time it took.
                process = subprocess.Popen(  # noqa: ASYNC220 - it only waits for the exec
                    suite.command,
                    cwd=ROOT,
                    env={**environment, **suite.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                self._finish(Result(suite, 1, why=f"cannot be started: {error}"))
                return 1
        with _ended(process):
            try:
                async with asyncio.timeout(LIMIT_SECONDS):
                    code, cpu = await _wait(process)
                why = ""
            except TimeoutError:
                code, cpu, why = 1, 0.0, f"ended after {LIMIT_SECONDS} s"
        self._finish(Result(suite, code, time.monotonic() - started, cpu, log, why))
        return code

    def _finish(self, result: Result) -> None:
        self.results.append(result)
        self._report.finished(result)
        self._done[result.suite.name].set()


async def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """The exit code, and the CPU seconds of the process and of all descendants that were waited for."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)  # noqa: ASYNC222 - it does not wait
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_utime + usage.ru_stime
        await asyncio.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """The process is gone after the block; one that is left is asked first, since it has servers to stop."""
    try:
        yield
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
