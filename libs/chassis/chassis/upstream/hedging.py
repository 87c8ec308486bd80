"""A second call beside a slow one: the first answer wins, and the other call is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chassis.upstream.failures import UpstreamFailed

type Call[Answer] = Callable[[], Coroutine[Any, Any, Answer]]


async def hedged[Answer](first: Call[Answer], second: Call[Answer], *, after: float, may: Callable[[], bool]) -> Answer:
    """The answer of `first()`, or of `second()`, which is started after `after` seconds where `may()` says so then.

    Raises what `first()` raises where neither answers. The first runs in the caller's own task, so that what is not
    slow costs a timer and nothing else.
    """
    rival = _Rival(second, after, may)
    try:
        return await first()
    except asyncio.CancelledError:
        if (winner := rival.winner()) is None:
            raise
        return winner.result()
    except UpstreamFailed as failure:
        if rival.task is None:
            raise
        rival.interrupts = False
        try:
            return await rival.task
        except UpstreamFailed:
            raise failure from None
    finally:
        rival.stop()


class _Rival[Answer]:
    """The second call. Where it answers, it cancels the task that awaits the first, as `asyncio.timeout` would."""

    def __init__(self, call: Call[Answer], after: float, may: Callable[[], bool]) -> None:
        self._call, self._may = call, may
        self._main = asyncio.current_task()
        self._cancelling = self._main.cancelling() if self._main is not None else 0
        self._timer = asyncio.get_running_loop().call_later(after, self._start)
        self._won = False
        self.interrupts = True
        self.task: asyncio.Task[Answer] | None = None

    def _start(self) -> None:
        if self._may():
            self.task = asyncio.create_task(self._call(), name="hedge")
            self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Answer]) -> None:
        # A failure is looked at either way, or asyncio would report that nobody did.
        if task.cancelled() or task.exception() is not None or not self.interrupts or self._main is None:
            return
        self._won = True
        self._main.cancel()

    def winner(self) -> asyncio.Task[Answer] | None:
        """The second call, where the cancellation that arrived is only its own, which is taken back then."""
        mine = self._won and self._main is not None and self._main.uncancel() <= self._cancelling
        return self.task if mine else None

    def stop(self) -> None:
        """Nothing of it is needed any more."""
        self.interrupts = False
        self._timer.cancel()
        if self.task is not None:
            self.task.cancel()
