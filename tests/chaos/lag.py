"""How late this process itself is: on a busy machine its clock is right, and its readings are late."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.chaos.history import History

_TICK = 0.1
_WORTH_TELLING = 0.2


@contextlib.asynccontextmanager
async def lag_recorded(history: History) -> AsyncIterator[None]:
    """Records a `lag` event whenever the event loop was held up."""
    watching = asyncio.create_task(_watch(history))
    try:
        yield
    finally:
        watching.cancel()


async def _watch(history: History) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _TICK
        await asyncio.sleep(_TICK)
        late = loop.time() - due
        if late > _WORTH_TELLING:
            history.add("lag", code=round(late * 1000))
