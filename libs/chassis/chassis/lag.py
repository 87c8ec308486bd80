"""Event-loop lag: how late a sleeping task wakes up, which is how long something blocked the loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from chassis import metrics

INTERVAL = 0.1


@contextlib.asynccontextmanager
async def lag_monitor() -> AsyncIterator[None]:
    """Keep `millrace_event_loop_lag_seconds` up to date while the process runs."""
    task = asyncio.create_task(_watch())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch() -> None:
    loop = asyncio.get_running_loop()
    while True:
        worst = 0.0
        for _ in range(10):
            before = loop.time()
            await asyncio.sleep(INTERVAL)
            worst = max(worst, loop.time() - before - INTERVAL)
        metrics.LOOP_LAG_SECONDS.set(worst)
