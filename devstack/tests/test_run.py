"""The runner as a process: what it starts, what it survives, and that nothing survives it."""

import asyncio
import os
import re
import signal
import socket
import sys
import urllib.request
from typing import Any

import psutil
import pytest
from small_stack import DEADLINE, Checkout, Stack, eventually, runs

from devstack import control
from devstack.output import Output
from devstack.state import DataDirectory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _family(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def _get(port: int | str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=DEADLINE) as response:
        return str(response.read().decode())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_runner_leaves_no_process(
    checkout: Checkout, stack_ports: dict[str, str], number: signal.Signals
) -> None:
    """The api's workers and PostgreSQL's backends included."""
    runner = checkout.start("run", **stack_ports)
    checkout.running(runner)
    family = _family(runner.pid)
    assert len(family) > 10
    runner.send_signal(number)
    code, output = checkout.finish(runner)
    assert code == 0
    assert "stopped after" in output
    assert "killed" not in output
    assert [pid for pid in family if runs(pid)] == []


def test_sigkill_of_the_runner_leaves_no_process(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """The kernel tells its children; the next start finds data, ports and locks as they should be."""
    runner = checkout.start("run", **stack_ports)
    checkout.running(runner)
    family = _family(runner.pid)
    runner.kill()
    eventually(lambda: not [pid for pid in family if runs(pid)])
    again = checkout.start("run", **stack_ports)
    checkout.running(again)
    assert _get(stack_ports["API_PORT"])


def test_what_the_runner_prints(stack: Stack) -> None:
    """The table of addresses and logins, services' logs with a prefix, no colour where it is no terminal, no secret."""
    checkout = stack.checkout
    # The table is the last of it.
    eventually(lambda: "ann-demo" in checkout.output(stack.runner))
    output = checkout.output(stack.runner)
    assert f"http://127.0.0.1:{stack.ports['API_PORT']}/" in output
    assert f"ws://127.0.0.1:{stack.ports['REALTIME_PORT']}/ws/chat/lobby/" in output
    assert "realtime-2    | realtime-2 is up" in output
    assert "\x1b[" not in output
    for secret in (checkout.root / ".data/secrets").iterdir():
        assert secret.stat().st_mode & 0o777 == 0o600
        assert secret.read_text().strip() not in output
        assert secret.read_text().strip() not in str(checkout.state())


def test_crashed_programs_come_back(stack: Stack) -> None:
    """All at once even: with other pids, on the same ports, and said so."""
    checkout = stack.checkout
    before = {entry["name"]: entry for entry in checkout.state()["services"]}
    said = len(checkout.output(stack.runner))
    for entry in before.values():
        os.kill(entry["pid"], signal.SIGKILL)
    eventually(lambda: all(entry["restarts"] > before[entry["name"]]["restarts"] for entry in _services(checkout)))
    for name in before:
        eventually(lambda name=name: f"{name} is back" in checkout.output(stack.runner)[said:])  # type: ignore[misc]
    assert checkout.call("status")[0] == 0
    assert not {entry["pid"] for entry in before.values()} & {entry["pid"] for entry in _services(checkout)}
    output = checkout.output(stack.runner)[said:]
    for name in before:
        # How long depends on how often it has crashed.
        assert re.search(rf"{name} was killed by SIGKILL: restarting in [\d.]+ s", output)


def _services(checkout: Checkout) -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = checkout.state()["services"]
    return services


def test_a_restart_of_realtime_refuses_no_connection(stack: Stack) -> None:
    """The runner holds the listening socket: what one process cannot accept, the other does."""
    checkout = stack.checkout
    for name in ("realtime-1", "realtime-2"):
        restarts = checkout.service(name)["restarts"]
        os.kill(checkout.service(name)["pid"], signal.SIGKILL)
        while checkout.service(name)["restarts"] == restarts:
            assert _get(stack.ports["REALTIME_PORT"])
        eventually(lambda: checkout.call("status")[0] == 0)


def test_a_second_run_says_that_one_runs(stack: Stack) -> None:
    """It names the pid and how to stop it, and leaves the first alone."""
    code, output = stack.checkout.call("run", **stack.ports)
    assert (code, stack.runner.poll()) == (1, None)
    assert f"runs already (pid {stack.runner.pid})" in output


def test_detach_status_stop(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """In the background: healthy when the command returns; status exits 0, then 3."""
    code, output = checkout.call("run", "--detach", **stack_ports)
    assert code == 0, output
    assert "ann-demo" in output
    pid = checkout.state()["pid"]
    family = _family(pid)
    code, output = checkout.call("status")
    assert code == 0, output
    assert output.count(" ok ") == 6
    assert checkout.call("stop")[0] == 0
    assert [child for child in family if runs(child)] == []
    assert checkout.call("status")[0] == 3
    assert checkout.call("stop") == (0, "Millrace does not run\n")


def test_a_fixed_port_that_is_busy_is_one_sentence(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """And exit code 1, with nothing started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = str(other.getsockname()[1])
        code, output = checkout.call("run", **stack_ports | {"API_PORT": busy})
    assert code == 1
    assert f"error: API_PORT={busy}: something listens there already" in output
    assert "Traceback" not in output


def test_a_service_that_does_not_start_shows_why(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """The end of its output and the reason, last."""
    (checkout.root / "realtime/__main__.py").write_text("raise SystemExit('configuration: REDIS_URL is missing')\n")
    code, output = checkout.call("run", **stack_ports)
    assert code == 1
    assert "configuration: REDIS_URL is missing" in output
    assert "killed what was left" not in output
    assert output.splitlines()[-1].startswith("error: realtime-")


def test_a_migration_that_fails_shows_why(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """Nothing is started on top of it."""
    (checkout.root / "api/manage.py").write_text("import sys\nsys.exit(f'{sys.argv[1]}: no such column')\n")
    code, output = checkout.call("run", **stack_ports)
    assert code == 1
    assert output.splitlines()[-2:] == ["  | migrate: no such column", "error: api.manage exited with code 1"]


def test_a_stop_while_it_starts_leaves_nothing(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """Even in the middle of the first initdb; the next start is a first start again."""
    runner = checkout.start("run", **stack_ports)
    data = checkout.root / ".data"
    # Looked for often, because initdb takes half a second; if it is over already, the start goes on all the same.
    eventually(lambda: (data / "postgres.unfinished").exists() or (data / "postgres").exists(), every=0.002)
    family = _family(runner.pid)
    runner.terminate()
    checkout.finish(runner)
    assert [pid for pid in family if runs(pid)] == []
    checkout.running(checkout.start("run", **stack_ports))


def test_stop_ends_what_a_killed_runner_left(
    checkout: Checkout, stack_ports: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that does not heed the signal of its parent's death."""
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    service = (checkout.root / "mock_upstream/__main__.py").read_text()
    (checkout.root / "mock_upstream/__main__.py").write_text(deaf + service)
    runner = checkout.start("run", **stack_ports)
    checkout.running(runner)
    left = checkout.service("mock-upstream")["pid"]
    runner.kill()
    runner.wait()
    assert runs(left)
    stopped = control.stop(DataDirectory(checkout.root / ".data"), Output(sys.stdout), patience=0.1)
    assert asyncio.run(stopped) == 0
    assert "of a runner that was killed" in capsys.readouterr().out
    eventually(lambda: not runs(left))
