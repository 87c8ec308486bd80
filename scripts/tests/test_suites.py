"""`make test`: all failures in one run, each with the command that repeats it; interrupted, it leaves nothing."""

import asyncio
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from devstack.output import Output
from devstack.services import ROOT
from suites import cli, running
from suites.affected import affected_tests, folders
from suites.catalogue import LANES, Lane, Suite
from suites.report import Report
from suites.running import Result, Run

PASSES = Suite("passes", "what passes", ("sh", "-c", "echo '== 3 passed in 0.10s =='"))
FAILS = Suite("fails", "what fails", ("sh", "-c", "echo the reason; exit 3"))
DIES = Suite("dies", "what dies", ("sh", "-c", "kill -9 $$"))


@pytest.fixture(autouse=True)
def own_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The logs of the run that runs these tests stay."""
    monkeypatch.setattr(running, "LOGS", tmp_path / "logs")
    return tmp_path


async def run(*lanes: Lane, seed: int = 7) -> tuple[Sequence[Result], bool, str]:
    """The results, whether the summary calls them passed, and all that was printed."""
    printed = io.StringIO()
    report = Report(Output(printed))
    results = await Run(report, {}).run(lanes)
    passed = report.summary(results, 1.0, seed, "make test S='{}'")
    return results, passed, printed.getvalue()


async def test_all_failures_in_one_run() -> None:
    """Neither a failure nor a kill stops the others, in the same lane or in another."""
    results, passed, printed = await run(Lane((FAILS, PASSES)), Lane((DIES,)))
    assert {result.suite.name: result.code for result in results} == {"fails": 3, "passes": 0, "dies": -9}
    assert not passed
    assert "the reason" in printed
    assert "what fails failed with exit code 3; again: make test S='fails' SEED=7" in printed
    assert "what dies failed with exit code -9; again: make test S='dies' SEED=7" in printed
    assert "== 3 passed in 0.10s ==" in printed


async def test_passed() -> None:
    """One that has nothing to say is green, too."""
    _, passed, printed = await run(Lane((PASSES,)))
    assert passed
    assert "again" not in printed


async def test_order(own_logs: Path) -> None:
    """A suite that reads the results of others starts when they have ended, also if one failed."""
    slow = Suite("slow", "slow", ("sh", "-c", f"sleep 0.3; touch {own_logs}/written; exit 1"))
    reader = Suite("reader", "reader", ("cat", f"{own_logs}/written"), after=("slow", "not-chosen"))
    results, _, _ = await run(Lane((reader,)), Lane((slow,)))
    assert [(result.suite.name, result.code) for result in results] == [("slow", 1), ("reader", 0)]


async def test_the_command_that_repeats_what_reads_others() -> None:
    """It needs them again."""
    _, _, printed = await run(Lane((Suite("sum", "the sum", ("false",), after=("passes",)),)), Lane((PASSES,)))
    assert "again: make test S='passes sum' SEED=7" in printed


async def test_not_run() -> None:
    """What cannot run here is named with its reason."""
    results, passed, printed = await run(Lane((Suite("x", "in x", ("false",), missing=lambda: "no x here"), PASSES)))
    assert [result.code for result in results] == [None, 0]
    assert passed
    assert printed.count("not run: ") == 2
    assert "no x here" in printed


async def test_a_missing_program() -> None:
    """A command that is not there fails its own suite only."""
    results, passed, printed = await run(Lane((Suite("gone", "what is gone", ("/no/such/program",)), PASSES)))
    assert [result.code for result in results] == [1, 0]
    assert not passed
    assert "cannot be started" in printed
    assert "/no/such/program" in printed


async def test_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite that hangs is ended and fails."""
    monkeypatch.setattr(running, "LIMIT_SECONDS", 0.1)
    results, passed, printed = await run(Lane((Suite("hangs", "what hangs", ("sleep", "1000")), PASSES)))
    assert [result.code for result in results] == [1, 0]
    assert not passed
    assert "ended after 0.1 s" in printed


async def test_cancelled(own_logs: Path) -> None:
    """Ctrl-C ends what was started, and waits for its end: it may have servers to stop."""
    pid = own_logs / "pid"
    stops = f"trap 'touch {own_logs}/stopped; exit' TERM; echo $$ >{pid}; while :; do sleep 0.1; done"
    running_ = asyncio.create_task(run(Lane((Suite("long", "long", ("sh", "-c", stops)),))))
    async with asyncio.timeout(30):
        while not (pid.exists() and pid.read_text().strip()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    running_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_
    assert (own_logs / "stopped").exists()
    assert not psutil.pid_exists(int(pid.read_text()))


def test_names(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name lists the known ones; every name is there once, and what a suite reads exists."""
    assert cli.main(["nosuch"]) == 2
    assert "e2e" in capsys.readouterr().err
    suites = [suite for lane in LANES for suite in lane.suites]
    names = [suite.name for suite in suites]
    assert len(set(names)) == len(names)
    assert {name for suite in suites for name in suite.after} <= set(names)


async def test_a_test_file_by_itself() -> None:
    """`.venv/bin/pytest path/to/test_x.py` needs no variable: the plugin starts what the tests need."""
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "libs/accounts/tests/test_tokens.py"),
        cwd=ROOT,
        env=bare,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert " passed in " in said.decode()


async def test_two_settings_modules() -> None:
    """The api's tests and realtime's cannot share a process, and pytest says so."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "libs/accounts/tests", "services/realtime/tests"),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert "run one after the other" in said.decode()


OF_ROOMS = ("libs/rooms", "services/api", "services/realtime")


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        (["services/api/api/urls.py"], ["services/api/tests", "tests/snapshots"]),
        (["services/api/tests/test_users.py"], ["services/api/tests/test_users.py"]),
        (["services/api/tests/test_users.py", "services/api/tests/conftest.py"], ["services/api/tests"]),
        (["libs/rooms/rooms/access.py"], [*(f"{one}/tests" for one in OF_ROOMS), "tests/snapshots"]),
        (["libs/client/millrace_client/room.py"], ["libs/client/tests"]),
        (["k8s/base/api.yaml"], ["tests/manifests"]),
        (["scripts/tests/test_suites.py"], ["scripts/tests/test_suites.py"]),
        (["README.md", "services/api/README.md"], []),
        (["services/api/tests/test_that_was_removed.py"], []),
    ],
)
def test_what_a_change_can_affect(changed: list[str], tests: list[str]) -> None:
    """The tests of the package that it touches, and of those that depend on it."""
    assert affected_tests(changed, folders()) == tests


@pytest.mark.parametrize("changed", ["locks/dev.txt", "libs/testing/testing/database.py"])
def test_what_can_affect_everything(changed: str) -> None:
    """The tests of every package that has some."""
    tests = [f"{folder}/tests" for folder in folders() if (ROOT / folder / "tests").is_dir()]
    assert affected_tests([changed], folders()) == sorted(tests)
