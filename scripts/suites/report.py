"""What `make test` prints: a line when a suite ends, the whole output of one that failed, and a summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devstack.output import Output
    from suites.running import Result

# pytest's own last line, and the sums that other suites print at their end.
_SUMMARY = re.compile(r"^(=+ )?\d+ (passed|failed|error|skipped|deselected|xfailed|warning).* in [\d.]+s|^TOTAL\b")
_LAST_LINES = 3


class Report:
    """Prints on `out`."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def say(self, text: str) -> None:
        if text.strip():
            self._out.say(text.rstrip())

    def started(self, title: str) -> None:
        self._out.say(f"  ..    {title}")

    def finished(self, result: Result) -> None:
        if result.code is None:
            self._out.warn(f"  --    {result.suite.title}: not run: {result.why}")
            return
        times = f"{result.seconds:6.1f} s, {result.cpu_seconds:6.1f} s of CPU"
        if result.code == 0:
            self._out.say(f"  ok    {result.suite.title:<34} {times}")
            for line in _summary(result):
                self._out.say(f"        {line}")
            return
        self._out.say(f"== {result.suite.title}: its whole output")
        self._out.say(result.log.read_text(errors="replace") if result.log else "")
        self._out.fail(f"{result.suite.title} {_how(result)} after {times}")

    def summary(self, results: Sequence[Result], seconds: float, seed: int, again: str) -> bool:
        """The sums and what failed, with the command that runs just that again. Returns True if nothing failed."""
        cpu = sum(result.cpu_seconds for result in results)
        share = f"; {seconds / cpu:.2f} x" if cpu else ""
        self._out.say()
        self._out.say(
            f"{len(results)} suites in {seconds:.0f} s, with {cpu:.0f} s of CPU{share}; random order, seed {seed}"
        )
        for result in results:
            if result.code is None:
                self._out.warn(f"not run: {result.suite.title}: {result.why}")
        failed = [result for result in results if result.code]
        for result in failed:
            names = " ".join([*result.suite.after, result.suite.name])
            self._out.fail(f"{result.suite.title} {_how(result)}; again: {again.format(names)} SEED={seed}")
        return not failed


def _how(result: Result) -> str:
    return result.why or f"failed with exit code {result.code}"


def _summary(result: Result) -> list[str]:
    lines = result.log.read_text(errors="replace").splitlines() if result.log else []
    return [line for line in lines if _SUMMARY.match(line)][-_LAST_LINES:]
