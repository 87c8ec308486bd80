"""`make chaos`: see docs/guarantees.md."""

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable

from tests.chaos import report
from tests.chaos.containers.run import run_containers
from tests.chaos.kubernetes.run import run_kubernetes
from tests.chaos.measures import windows_of
from tests.chaos.options import ROOT, Options, from_environment
from tests.chaos.report import Outcome
from tests.chaos.run import run
from tests.chaos.stock.run import run_stock
from tests.chaos.timeline import timeline

from devstack.output import Output, StackError
from kubernetes.kubectl import Failed


def main() -> int:
    """Returns the exit code: 0 only if the checker passes."""
    out = Output()
    try:
        options = from_environment()
        shutil.rmtree(options.folder, ignore_errors=True)
        options.folder.mkdir(parents=True)
        out.say(f"chaos: seed {options.seed}, about {options.duration:g} s of faults; results in {_shown(options)}")
        outcome = asyncio.run(_until_signalled(options, out))
    except (ValueError, StackError, RuntimeError, TimeoutError, Failed) as error:
        out.fail(str(error), getattr(error, "detail", ()))
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        out.fail("interrupted")
        return 130
    return conclude(outcome, options, out)


async def _until_signalled(options: Options, out: Output) -> Outcome:
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(AttributeError):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)  # type: ignore[union-attr]
    return await _kind(options)(options, out)


def _kind(options: Options) -> Callable[[Options, Output], Awaitable[Outcome]]:
    if options.stock:
        return run_stock
    if options.kubernetes:
        return run_kubernetes
    return run_containers if options.containers else run


def conclude(outcome: Outcome, options: Options, out: Output) -> int:
    """Writes the report and prints what it comes to."""
    windows = windows_of(outcome.events)
    (options.folder / "report.md").write_text(report.markdown(outcome))
    (options.folder / "timeline.svg").write_text(timeline(outcome.events, windows))
    out.say()
    out.table(report.rows(outcome), header=report.HEADER)
    out.say()
    out.table(report.summary(outcome))
    for note in outcome.notes:
        out.warn(note)
    for claim in outcome.claims:
        out.say(
            f"  {'holds' if claim.holds else 'DOES NOT HOLD'}  {claim.scenario}: {claim.sentence}: {claim.measured}"
        )
    out.say(f"  report: {_shown(options)}/report.md, timeline: {_shown(options)}/timeline.svg")
    if options.stock:
        return _judge_stock(outcome, out)
    passed = outcome.verdict.passed and (not options.strict or all(claim.holds for claim in outcome.claims))
    if passed:
        out.say(f"chaos: passed (seed {options.seed})")
        return 0
    shown = [f"{finding.kind}: {finding.text} (at {finding.t:.3f} s)" for finding in outcome.verdict.findings[:20]]
    found = f"{len(outcome.verdict.findings)} findings" if outcome.verdict.findings else "a claim does not hold"
    again = "make k8s-chaos" if options.kubernetes else "make chaos-containers" if options.containers else "make chaos"
    out.fail(f"chaos failed: {found}; `{again} SEED={options.seed}` runs the same faults again", shown)
    return 1


def _judge_stock(outcome: Outcome, out: Output) -> int:
    lost = outcome.verdict.lost
    if lost == 0:
        out.fail("chaos failed: the stock layer lost nothing, or this suite does not see losses")
        return 1
    out.say(f"chaos: passed: the stock layer lost {lost} deliveries (seed {outcome.seed}), and the checker saw it")
    return 0


def _shown(options: Options) -> str:
    return str(options.folder.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
