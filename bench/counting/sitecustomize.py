"""Python imports this by itself where its folder is on PYTHONPATH: counts every thread that the process starts.

An audit hook sees them all, whoever starts them: CPython itself reports `_thread.start_*`. The count is in a file in
`BENCH_THREADS` named by the process's pid, for `bench.threads` to read. Threads that native code makes without Python
are not seen. It slows everything a little, so nothing else is measured with it.
"""

import os
import sys
from typing import Any

_STARTS = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})


class _Count:
    pid = descriptor = count = 0


def _on(event: str, _arguments: tuple[Any, ...]) -> None:
    if event not in _STARTS:
        return
    if _Count.pid != os.getpid():
        # After a fork the count starts over, in a file of its own.
        _Count.pid, _Count.count = os.getpid(), 0
        path = f"{os.environ['BENCH_THREADS']}/{_Count.pid}"
        _Count.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _Count.count += 1
    os.pwrite(_Count.descriptor, _Count.count.to_bytes(8, "little"), 0)


if os.environ.get("BENCH_THREADS"):
    sys.addaudithook(_on)
