"""The command line."""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import replace

from devstack.output import Output
from suites.affected import affected_tests, changed_files, folders
from suites.catalogue import LANES, Lane, check
from suites.report import Report
from suites.running import Run


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 if every suite passed, 1 if one failed, 2 for an unknown name, 130 if interrupted."""
    options = _parser().parse_args(argv)
    known = [suite.name for lane in LANES for suite in lane.suites]
    if options.list:
        print("\n".join(known))
        return 0
    if unknown := sorted(set(options.suites) - set(known)):
        print(f"no suite {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    lanes = _of_check(options.base) if options.check else _chosen(LANES, options.suites or known)
    try:
        return asyncio.run(_run(lanes, options.seed, "make check" if options.check else "make test S='{}'"))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


def _of_check(base: str) -> list[Lane]:
    tests = affected_tests(changed_files(base), folders())
    print("the change can affect:", *(tests or ["no unit test"]), sep="\n  ")
    return list(check(tests))


async def _run(lanes: list[Lane], seed: int, again: str) -> int:
    # A cancelled job sends SIGTERM, a closed terminal SIGHUP: both have to end what was started, as Ctrl-C does.
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel if task else lambda: None)
    report = Report(Output(sys.stdout))
    report.say(f"random order, seed {seed}")
    started = time.monotonic()
    options = f"{os.environ.get('PYTEST_ADDOPTS', '')} -p randomly --randomly-seed={seed}".strip()
    results = await Run(report, {"PYTEST_ADDOPTS": options}).run(lanes)
    passed = report.summary(results, time.monotonic() - started, seed, again)
    # What cannot run on a developer's machine is named; on CI it has to run.
    left_out = [result for result in results if result.code is None]
    return 0 if passed and not (left_out and os.environ.get("CI")) else 1


def _chosen(lanes: Iterable[Lane], names: list[str]) -> list[Lane]:
    chosen = (replace(lane, suites=tuple(suite for suite in lane.suites if suite.name in names)) for lane in lanes)
    return [lane for lane in chosen if lane.suites]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make test", description="Every suite, side by side.")
    parser.add_argument("suites", nargs="*", help="only these")
    parser.add_argument("--check", action="store_true", help="lint, types and the quick tests that a change can affect")
    parser.add_argument("--base", default="", help="with --check: the commit to compare with")
    parser.add_argument("--list", action="store_true", help="the suites' names")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="of the random order")
    return parser
