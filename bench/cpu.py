"""What a tree of processes used: CPU time, memory, threads.

CPU time is user and system time of every process of the tree, of threads that have ended too. It is read from the
kernel's CPU clock of each process: the same accounting as utime + stime of `/proc/<pid>/stat`, in nanoseconds instead
of ticks of 10 ms. Of children that ended and were waited for only the ticks are left (cutime + cstime), and count.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2


def process_cpu_seconds(pid: int) -> float:
    """CPU seconds of one process since its start; raises ProcessLookupError where there is none."""
    # What clock_getcpuclockid(3) computes on Linux.
    try:
        return time.clock_gettime(((~pid) << 3) | _CPUCLOCK_SCHED)
    except OSError as error:
        raise ProcessLookupError(pid) from error


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third, `state`, on: the second may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def ticks_cpu_seconds(pid: int) -> float:
    """utime + stime of `/proc/<pid>/stat`."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) * _TICK


def reaped_cpu_seconds(pid: int) -> float:
    """cutime + cstime: what children that are gone used."""
    fields = _stat(pid)
    return (int(fields[13]) + int(fields[14])) * _TICK


class Tree:
    """The process `pid` and all that descends from it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def processes(self) -> Iterator[psutil.Process]:
        """Those that live."""
        try:
            root = psutil.Process(self.pid)
            yield root
            yield from root.children(recursive=True)
        except psutil.NoSuchProcess:
            return

    def cpu_seconds(self) -> float:
        """CPU seconds of the whole tree so far; only differences mean something."""
        total = 0.0
        for process in self.processes():
            try:
                total += process_cpu_seconds(process.pid) + reaped_cpu_seconds(process.pid)
            except (ProcessLookupError, FileNotFoundError):
                # It ended just now: its time is in its parent's cutime, read by the next look.
                continue
        return total

    def rss_bytes(self) -> int:
        """Resident memory of all processes, shared pages counted in each."""
        return sum(int(process.memory_info().rss) for process in self.processes())

    def threads(self) -> int:
        """Threads of all processes, native ones too."""
        return sum(int(process.num_threads()) for process in self.processes())
