"""`python -m bench [W...]`: runs workloads, writes their results and docs/performance.md, prints every target."""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Sequence

import uvloop

from bench import check, machine
from bench.cores import Cores
from bench.errors import BenchError
from bench.report import markdown, regenerate
from bench.results import RESULTS, Result
from bench.workload import Plan
from bench.workloads import NAMES, load

# Rounds, and seconds of a measurement.
_FULL = (5, 1.0)
_SHORT = (2, 0.3)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 where a contestant answered wrongly or did not run; a missed target is none."""
    options = _parser().parse_args(argv)
    cores = Cores()
    cores.pin_self()
    if cores.shared:
        _say("only one core: contestants share it with the load generator, so latencies are not theirs alone")
    if machine.LOAD_BEFORE > machine.BUSY:
        _say(f"the machine is busy (load {machine.LOAD_BEFORE:.1f}): the ranges will be wide")
    rounds, seconds = _SHORT if options.check else _FULL
    # Nobody should wait for the garbage collection of the load generator.
    gc.collect()
    gc.freeze()
    plan = Plan(cores, options.rounds or rounds, options.seconds or seconds, options.check, _say)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(options, plan))
    except BenchError as error:
        print(f"bench: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(options: argparse.Namespace, plan: Plan) -> int:
    names = options.workloads or NAMES
    workloads = [load(name) for name in names]
    if options.check and not options.workloads:
        workloads = [workload for workload in workloads if workload.in_check]
    found: list[Result] = []
    for workload in workloads:
        started = time.monotonic()
        _say(f"== {workload.name}: {workload.title}")
        result = await workload.run(plan)
        found.append(result)
        for table in result.tables:
            print(f"\n{table.title}\n\n{markdown(table)}\n")
        for note in result.notes:
            print(note)
        _say(f"{workload.name} took {time.monotonic() - started:.0f} s")
        if not options.check:
            result.save()
    if options.check:
        print(check.against_committed(found, RESULTS))
    else:
        regenerate(NAMES)
    _print_targets(found)
    return 0


def _print_targets(results: Sequence[Result]) -> None:
    print(f"\n{'workload':<9} {'target':>8} {'measured':>10}        claim")
    for result in results:
        for verdict in result.verdicts:
            measured = "-" if verdict.measured is None else f"{verdict.measured:.3g}"
            relation = "=" if verdict.exact else "<="
            state = "ok" if verdict.ok else "MISSED"
            print(f"{result.workload:<9} {relation:>2} {verdict.target:<5.3g} {measured:>10} {state:<7}{verdict.claim}")


def _say(words: str) -> None:
    print(f"bench: {words}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Workloads beside their peers.")
    parser.add_argument("workloads", nargs="*", choices=[*NAMES, []], metavar="W", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, help="each contestant has two turns a round (default: 5, for --check 2)")
    parser.add_argument("--seconds", type=float, help="of each measurement (default: 1, for --check 0.3)")
    parser.add_argument("--check", action="store_true", help="write nothing; compare with the committed ratios")
    return parser


if __name__ == "__main__":
    sys.exit(main())
