"""`manage daily`, a while after the start and then every day, for as long as the runner runs.

It is no service: nothing waits for it, and a failure is said, remembered for `status`, and tried again.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from devstack import services
from devstack.output import Output, StackError
from devstack.spawning import run_once

NAME = "daily job"
_DAY = 24 * 3600.0
_RETRY = 600.0


def _first_after() -> float:
    """Seconds from the start to the first run (`DAILY_AFTER_SECONDS`): late enough to be in no one's way."""
    given = os.environ.get("DAILY_AFTER_SECONDS", "60")
    with contextlib.suppress(ValueError):
        if (seconds := float(given)) >= 0:
            return seconds
    raise StackError(f"DAILY_AFTER_SECONDS={given}: not a number of seconds")


class Daily:
    """The job and what became of it; `changed` is called when there is something new to say."""

    def __init__(self, out: Output, changed: Callable[[], None]) -> None:
        self._out = out
        self._changed = changed
        self._after = _first_after()
        self._task: asyncio.Task[None] | None = None
        self._last: float | None = None
        self._failed = False
        self._next = 0.0

    def start(self, env: Mapping[str, str]) -> None:
        """Begin to wait for the first run, with the services' environment."""
        self._task = asyncio.create_task(self._repeat(self._after, env), name="daily")

    async def stop(self) -> None:
        """Ends a run that is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def state(self) -> dict[str, Any] | None:
        """When it ran last and runs next, in seconds since 1970, and whether it failed; None while it does not run."""
        if self._task is None:
            return None
        return {"last": self._last, "failed": self._failed, "next": self._next}

    async def _repeat(self, pause: float, env: Mapping[str, str]) -> None:
        while True:
            self._next = time.time() + pause
            self._changed()
            await asyncio.sleep(pause)
            self._failed = not await self._run(env)
            self._last = time.time()
            pause = _RETRY if self._failed else _DAY

    async def _run(self, env: Mapping[str, str]) -> bool:
        try:
            printed = await run_once(NAME, services.manage("daily"), services.manage_environment(env), services.ROOT)
        except (StackError, OSError) as error:
            self._tell(getattr(error, "detail", []))
            self._out.warn(f"{error}; again in {_RETRY / 60:.0f} min")
            return False
        self._tell(printed.splitlines())
        return True

    def _tell(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._out.line("daily", line)
