"""The accounting of CPU time, against process trees that say how much they use."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.cpu import Tree, process_cpu_seconds, ticks_cpu_seconds

BURNER = Path(__file__).with_name("burner.py")
# Seconds: the width of a tick, and what the burner does after it has looked at its own clock.
TOLERANCE = 0.05


@contextmanager
def burner(own: float, child: float = 0.0, thread: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """One that is ready to burn."""
    command = [sys.executable, str(BURNER), str(own), str(child), str(thread)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def hear(process: subprocess.Popen[str], word: str) -> float:
    """Wait until it says `word`; the seconds that it has used by its own account."""
    assert process.stdout is not None
    said, seconds = process.stdout.readline().split()
    assert said == word
    return float(seconds)


def go(process: subprocess.Popen[str]) -> None:
    """Have it do the next thing."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize(
    ("own", "child", "thread"), [(0.3, 0.0, 0.0), (0.05, 0.3, 0.0), (0.05, 0.0, 0.3), (0.1, 0.2, 0.2)]
)
def test_a_tree_is_charged_for_itself_its_children_and_its_threads(own: float, child: float, thread: float) -> None:
    """Also for those that have ended by the time it is looked at."""
    with burner(own, child, thread) as process:
        ready = hear(process, "ready")
        tree = Tree(process.pid)
        before = tree.cpu_seconds()
        go(process)
        done = hear(process, "done")
        used = tree.cpu_seconds() - before
    # What interpreters need to start and to end is in both.
    assert used == pytest.approx(done - ready, abs=TOLERANCE)
    assert used >= own + child + thread - TOLERANCE


def test_living_children_are_part_of_the_tree() -> None:
    """Not only those that were waited for."""
    command = f"import subprocess, sys; subprocess.run([sys.executable, {str(BURNER)!r}, '0.3', '0', '0'])"
    with subprocess.Popen(
        [sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        ready = hear(process, "ready")
        tree = Tree(process.pid)
        before = tree.cpu_seconds()
        assert len(list(tree.processes())) == 2
        go(process)
        done = hear(process, "done")
        used = tree.cpu_seconds() - before
        go(process)
    assert used == pytest.approx(done - ready, abs=TOLERANCE)


def test_the_clock_agrees_with_proc() -> None:
    """It is the accounting of /proc/<pid>/stat, with more digits."""
    with burner(0.5) as process:
        hear(process, "ready")
        go(process)
        hear(process, "done")
        assert process_cpu_seconds(process.pid) == pytest.approx(ticks_cpu_seconds(process.pid), abs=0.03)


def test_an_idle_process_costs_nothing() -> None:
    """A process that waits for a line uses no CPU between two looks."""
    with burner(0.0) as process:
        hear(process, "ready")
        tree = Tree(process.pid)
        before = tree.cpu_seconds()
        with burner(0.2) as other:
            hear(other, "ready")
            go(other)
            hear(other, "done")
        assert tree.cpu_seconds() - before < 0.01


def test_there_is_no_clock_of_a_process_that_is_gone() -> None:
    """An error, not a zero."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(ProcessLookupError):
        process_cpu_seconds(process.pid)
