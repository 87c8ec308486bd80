"""Worker processes for servers that have none (daphne), or that cut off requests when they stop them (hypercorn).

hypercorn's parent sends SIGTERM to the other workers as soon as one has ended, and a worker dies of it: while an idle
worker ends at once, the requests of a busy one are lost. uvicorn needs none of this.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from socket import socket
from types import FrameType

import structlog

from api.servers import START_FAILED, Serve

logger = structlog.get_logger(__name__)


def run(serve: Serve, sockets: Sequence[socket], workers: int) -> None:
    """Run `serve` in this process, or in `workers` others if there are several; ends the process."""
    if workers > 1:
        sys.exit(Workers(serve, sockets).run(workers))
    serve(sockets)


class Workers:
    """Processes that accept from the same sockets. One that dies is replaced; one that cannot start ends all of them.

    `serve` is a function of a module: each process imports it anew.
    """

    def __init__(self, serve: Serve, sockets: Sequence[socket]) -> None:
        self._serve, self._sockets = serve, list(sockets)
        self._processes: list[SpawnProcess] = []
        self._stopping = False
        self._status = 0

    def run(self, number: int) -> int:
        """Until SIGTERM or SIGINT, and until the last of them has ended; the exit status."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._on_signal)
        for _ in range(number):
            self._start()
        while self._processes:
            wait([process.sentinel for process in self._processes])
            for process in [each for each in self._processes if each.exitcode is not None]:
                self._processes.remove(process)
                self._ended(process)
        return self._status

    def _start(self) -> None:
        process = multiprocessing.get_context("spawn").Process(target=_work, args=(self._serve, self._sockets))
        process.start()
        self._processes.append(process)
        if self._stopping:
            # The signal came meanwhile.
            process.terminate()

    def _ended(self, process: SpawnProcess) -> None:
        if self._stopping:
            return
        if process.exitcode == START_FAILED:
            self._status = START_FAILED
            self._stop()
            return
        logger.error("worker.died", worker=process.pid, status=process.exitcode)
        self._start()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        self._stopping = True
        for process in self._processes:
            process.terminate()


def _work(serve: Serve, sockets: Sequence[socket]) -> None:
    # A terminal sends SIGINT to all processes; the parent answers it with SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, name="follow-parent", daemon=True).start()
    try:
        serve(sockets)
    except Exception:
        logger.exception("worker.failed")
        sys.exit(START_FAILED)


def _follow_parent() -> None:
    """End this worker when its parent has died, which would otherwise go on and keep the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
