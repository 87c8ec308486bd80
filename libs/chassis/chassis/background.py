"""Work that a process repeats for as long as it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

logger = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def repeated(work: Callable[[], Awaitable[None]], *, every: float) -> AsyncIterator[None]:
    """Await `work` every `every` seconds until the end of the block; an error is logged and the next turn comes."""
    task = asyncio.create_task(_repeat(work, every))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _repeat(work: Callable[[], Awaitable[None]], every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            await work()
        except Exception:
            logger.exception("background.failed", work=getattr(work, "__qualname__", repr(work)))
