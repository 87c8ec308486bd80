"""Event-loop lag: how late a sleeping task wakes up, which is how long something blocked the loop."""

import asyncio
from contextlib import AbstractAsyncContextManager

from chassis import metrics
from chassis.background import repeated

INTERVAL = 0.1


def lag_monitor() -> AbstractAsyncContextManager[None]:
    """A lifespan resource: keeps `millrace_event_loop_lag_seconds` up to date while the process runs."""
    return repeated(_measure, every=0)


async def _measure() -> None:
    loop = asyncio.get_running_loop()
    worst = 0.0
    for _ in range(10):
        before = loop.time()
        await asyncio.sleep(INTERVAL)
        worst = max(worst, loop.time() - before - INTERVAL)
    metrics.LOOP_LAG_SECONDS.set(worst)
