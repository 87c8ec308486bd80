"""The runner's daily job: it holds up no start, shows in the status, and ends with everything else."""

import re
import signal
import sys

import psutil
from small_stack import Checkout, eventually, runs

# In place of the api's management commands: says what it does, and waits or fails if it is told to.
MANAGE = """
import json, pathlib, sys, time
if sys.argv[1] == "demo_logins":
    print(json.dumps([{"username": "ann", "password": "ann-demo", "role": "member"}]))
if sys.argv[1] == "daily":
    %s
"""


def daily(checkout: Checkout, does: str) -> None:
    """Have the job do something else."""
    (checkout.root / "api/manage.py").write_text(MANAGE % does)


def test_it_runs_after_the_start(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """Once everything is up; its lines are in the log, and the status says when it ran and will run."""
    daily(checkout, "print('rooms: 3 deleted')")
    runner = checkout.start("run", DAILY_AFTER_SECONDS="0", **stack_ports)
    checkout.running(runner)
    eventually(lambda: (checkout.state()["daily"] or {}).get("last"))
    code, output = checkout.call("status")
    assert code == 0, output
    assert "daily job: done " in output
    assert re.search(r"next in 23 h \d+ min", output)
    runner.terminate()
    _, output = checkout.finish(runner)
    assert "daily         | rooms: 3 deleted" in output
    assert output.index("Millrace runs after") < output.index("rooms: 3 deleted")


def test_it_waits_for_a_minute(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """The start is not held up, and a stack that has just started says so."""
    runner = checkout.start("run", **stack_ports)
    state = checkout.running(runner)
    assert state["daily"]["last"] is None
    code, output = checkout.call("status")
    assert code == 0, output
    assert "daily job: has not run yet, next in " in output


def test_a_failure_is_said_and_harms_no_service(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """It is tried again after ten minutes; the stack is as healthy as before."""
    daily(checkout, "sys.exit('failed: purge_expired')")
    runner = checkout.start("run", DAILY_AFTER_SECONDS="0", **stack_ports)
    checkout.running(runner)
    eventually(lambda: (checkout.state()["daily"] or {}).get("failed"))
    code, output = checkout.call("status")
    assert code == 0, output
    assert "daily job: failed " in output
    assert re.search(r"next in \d min", output)
    assert output.count(" ok ") == 6
    runner.terminate()
    _, output = checkout.finish(runner)
    assert "daily         | failed: purge_expired" in output
    assert "daily job exited with code 1; again in 10 min" in output
    assert runner.returncode == 0


def test_a_stop_ends_it(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """Also in the middle of its work."""
    daily(checkout, "pathlib.Path('daily-runs').touch(); time.sleep(600)")
    runner = checkout.start("run", DAILY_AFTER_SECONDS="0", **stack_ports)
    checkout.running(runner)
    eventually((checkout.root / "daily-runs").exists)
    family = [runner.pid, *(child.pid for child in psutil.Process(runner.pid).children(recursive=True))]
    assert any("daily" in psutil.Process(pid).cmdline() for pid in family)
    runner.send_signal(signal.SIGTERM)
    _, output = checkout.finish(runner)
    assert runner.returncode == 0, output
    assert "killed" not in output
    assert [pid for pid in family if runs(pid)] == []


def test_a_value_that_is_no_number_is_one_sentence(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """Before anything is started."""
    code, output = checkout.call("run", DAILY_AFTER_SECONDS="soon", **stack_ports)
    assert (code, output) == (1, "error: DAILY_AFTER_SECONDS=soon: not a number of seconds\n")


def test_a_stack_for_a_command_has_none(checkout: Checkout) -> None:
    """What is started for a test is not cleaned up beside it."""
    daily(checkout, "pathlib.Path('daily-runs').touch()")
    look = "import pathlib, sys, time; time.sleep(1); sys.exit(pathlib.Path('daily-runs').exists())"
    code, output = checkout.call("stack", "--", sys.executable, "-c", look, DAILY_AFTER_SECONDS="0")
    assert code == 0, output
