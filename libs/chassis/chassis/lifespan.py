"""What a process opens before its first request and closes after its last, under any server.

uvicorn and hypercorn speak ASGI's lifespan protocol; daphne does not, so its entry point enters `running()` itself.
Resources are async context managers registered by name with `resource`; they are entered in order and left in reverse.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import structlog

from chassis.types import Receive, Send

logger = structlog.get_logger(__name__)

Resource = Callable[[], AbstractAsyncContextManager[object]]


class _State:
    draining = False
    resources: list[Resource] = []


def resource(factory: Resource) -> Resource:
    """Have `factory` entered when the process starts and left when it stops; usable as a decorator."""
    if factory not in _State.resources:
        _State.resources.append(factory)
    return factory


def draining() -> bool:
    """True once the process was told to stop: it finishes what it has and takes nothing new."""
    return _State.draining


def drain() -> None:
    """Turn readiness off."""
    _State.draining = True


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[None]:
    """The time between start and stop, with every registered resource open."""
    _State.draining = False
    async with contextlib.AsyncExitStack() as stack:
        for factory in _State.resources:
            await stack.enter_async_context(factory())
        logger.info("process.started")
        try:
            yield
        finally:
            drain()
    logger.info("process.stopped")


async def serve_lifespan(receive: Receive, send: Send) -> None:
    """Answer the ASGI lifespan protocol with `running()`; a failed start is reported to the server, which then exits."""
    await receive()
    manager = running()
    try:
        await manager.__aenter__()
    except Exception as error:
        logger.exception("process.start_failed")
        await send({"type": "lifespan.startup.failed", "message": type(error).__name__})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await manager.__aexit__(None, None, None)
    await send({"type": "lifespan.shutdown.complete"})
