"""What only Linux offers and a supervisor wants: children that die with it, and orphans that come back to it."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends the signal when the runner dies, even by SIGKILL.

    Elsewhere than on Linux it does nothing; the next start then finds what was left (see `state.end_leftovers`).
    """
    parent = os.getpid()

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    return prepare


def adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind, so that `sweep` finds it."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def signal_group(group: int, number: signal.Signals) -> None:
    """To every process of the group; fine where none is left. A child's own session is a group of the same id."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # PermissionError is macOS's answer for a group of zombies.
        return


def sweep() -> list[int]:
    """Kills whatever still descends from this process. Returns the pids, which a clean stop leaves empty."""
    alive = [child for child in psutil.Process().children(recursive=True) if runs(child)]
    for child in alive:
        child.kill()
    psutil.wait_procs(alive, timeout=5)
    return [child.pid for child in alive]


def runs(process: psutil.Process) -> bool:
    """Not so a zombie: only its parent has still to notice."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
