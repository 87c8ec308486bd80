"""Cancels a request whose client has gone."""

import asyncio

from async_handler.types import Receive

# A request that is done by then is never watched. Django starts a task and a task group for each.
QUICK_SECONDS = 0.05


class DisconnectWatcher:
    """Cancels the current task when `receive` returns a disconnect; begins `QUICK_SECONDS` after it was made.

    The caller calls `stop` when the request is over, and asks `aborted` if the task was cancelled.
    """

    __slots__ = ("_gone", "_receive", "_task", "_timer", "_watcher")

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._task = asyncio.current_task(loop)
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None
        self._timer = loop.call_later(QUICK_SECONDS, self._begin)

    def _begin(self) -> None:
        self._watcher = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        # What is left of a body that was too large is read past.
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    def stop(self) -> None:
        """No more watching."""
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    def aborted(self) -> bool:
        """True if it was this watcher that cancelled the task, and nobody else; takes the cancellation back."""
        return self._gone and self._task is not None and self._task.uncancel() == 0
