"""PostgreSQL and Valkey as children: data last, locks of the dead do not matter, exit codes come through."""

import os
import sys

import psycopg
import pytest
from small_stack import Checkout, Stack, eventually, runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_QUERY = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 41 + 1').fetchone()[0])"
_PING = "import os, redis; print(redis.Redis.from_url(os.environ['REDIS_URL']).ping())"


def _connect(checkout: Checkout, port: str) -> psycopg.Connection[tuple[object, ...]]:
    password = (checkout.root / ".data/secrets/postgres-password").read_text().strip()
    return psycopg.connect(host="127.0.0.1", port=port, user="millrace", password=password, dbname="millrace")


def test_data_survive_a_second_start(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """A commit before the stop is there after the start, over a kill of the runner too."""
    runner = checkout.start("run", **stack_ports)
    checkout.running(runner)
    with _connect(checkout, stack_ports["POSTGRES_PORT"]) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    runner.terminate()
    checkout.finish(runner)

    killed = checkout.start("run", **stack_ports)
    checkout.running(killed)
    with _connect(checkout, stack_ports["POSTGRES_PORT"]) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
    killed.kill()

    checkout.running(checkout.start("run", **stack_ports))
    with _connect(checkout, stack_ports["POSTGRES_PORT"]) as connection:
        assert connection.execute("SELECT n FROM kept ORDER BY n").fetchall() == [(1,), (2,)]
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_a_password_is_needed(stack: Stack) -> None:
    """Other users of the machine reach the port too."""
    address = f"host=127.0.0.1 port={stack.ports['POSTGRES_PORT']} user=millrace dbname=millrace"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{address} password=wrong")


def test_a_lock_file_with_another_process_id_is_stale(checkout: Checkout, stack_ports: dict[str, str]) -> None:
    """After a reboot the number in postmaster.pid may belong to anybody."""
    runner = checkout.start("run", **stack_ports)
    checkout.running(runner)
    lock = checkout.root / ".data/postgres/postmaster.pid"
    content = lock.read_text().splitlines()
    runner.terminate()
    checkout.finish(runner)
    lock.write_text("\n".join([str(os.getpid()), *content[1:]]) + "\n")
    checkout.running(checkout.start("run", **stack_ports))


def test_exec_gives_a_database_and_redis_and_takes_them_away(checkout: Checkout) -> None:
    """Ports of its own, so any number can run beside each other."""
    code, output = checkout.call("exec", "--", sys.executable, "-c", f"{_QUERY}; {_PING}")
    assert code == 0, output
    assert output.splitlines()[-2:] == ["42", "True"]
    assert not (checkout.root / ".data").exists()


def test_exec_returns_the_exit_code(checkout: Checkout) -> None:
    """Also the shell's number for a command that was killed. Three at once, each with ports of its own."""
    commands = (["sh", "-c", "exit 7"], ["sh", "-c", "kill -9 $$"], ["no-such-command"])
    runners = [checkout.start("exec", "--", *command) for command in commands]
    assert [checkout.finish(runner)[0] for runner in runners] == [7, 137, 1]
    output = checkout.output(runners[-1])
    assert "error: " in output
    assert "no-such-command" in output


def test_exec_passes_sigterm_on_and_ends(checkout: Checkout) -> None:
    """The command ends first, then its servers."""
    runner = checkout.start("exec", "--", "sh", "-c", "echo $$ >pid; exec sleep 600")
    pid = int(eventually(lambda: (checkout.root / "pid").exists() and (checkout.root / "pid").read_text().strip()))
    runner.terminate()
    assert checkout.finish(runner)[0] == 143
    assert not runs(pid)


def test_stack_sets_the_addresses(checkout: Checkout) -> None:
    """As the end-to-end suite reads them; and what the command leaves behind is ended."""
    script = 'echo $API_URL; echo $REALTIME_URLS; sleep 600 & echo $! >pid; curl=$UPSTREAM_URL; test -n "$curl"'
    code, output = checkout.call("stack", "--", "sh", "-c", script)
    assert code == 0, output
    assert "http://127.0.0.1:" in output
    assert output.count("ws://127.0.0.1:") == 2
    assert not runs(int((checkout.root / "pid").read_text()))
