"""Work that a process repeats for as long as it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from chassis.errors import translate

logger = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def repeated(work: Callable[[], Awaitable[None]], *, every: float, at_once: bool = False) -> AsyncIterator[None]:
    """Await `work` every `every` seconds until the end of the block; an error is logged and the next turn comes.

    The first turn comes after `every` seconds, or with `at_once` now.
    """
    task = asyncio.create_task(_repeat(work, every, 0 if at_once else every))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _repeat(work: Callable[[], Awaitable[None]], every: float, first: float) -> None:
    pause = first
    while True:
        await asyncio.sleep(pause)
        pause = every
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may go well
            report(error, "background.failed", work=getattr(work, "__qualname__", repr(work)))


def report(error: BaseException, event: str, **fields: object) -> None:
    """Log what ended some work: a dependency that is down in a line, a defect with its traceback."""
    known = translate(error) if isinstance(error, Exception) else None
    if known is None:
        logger.error(event, exc_info=error, **fields)
    else:
        logger.warning(event, reason=known.message, **fields)
