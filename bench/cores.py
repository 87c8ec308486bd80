"""Who runs where: the measured server alone on one core, everything that serves the measurement on another."""

import contextlib
import os

import psutil

_USABLE = frozenset(os.sched_getaffinity(0))


def usable_cores() -> frozenset[int]:
    """What this process was allowed when it started."""
    return _USABLE


def pin_tree(pid: int, core: int) -> None:
    """Move a running process with its threads and descendants to `core`; what they start later stays there too."""
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        for thread in process.threads():
            # A thread may have ended since it was listed.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread.id, {core})


class Cores:
    """`server` is for the contestant; `rest` for the load generator, the databases and the upstream.

    Where the process may use one core only, both are the same, and `shared` says so: contestants then compete with the
    load generator, so that their CPU time is still theirs but their latencies are not.
    """

    def __init__(self, allowed: set[int] | None = None) -> None:
        cores = sorted(allowed or usable_cores())
        self.server = cores[0]
        self.rest = cores[1] if len(cores) > 1 else cores[0]
        self.shared = self.server == self.rest

    def pin_self(self) -> None:
        """Move this process, and what it starts from now on, to `rest`."""
        os.sched_setaffinity(0, {self.rest})
