"""What a process opens before its first request and closes after its last, under any server.

uvicorn opens them by ASGI's lifespan protocol (`serve_lifespan`). What runs daphne, which does not speak it, and what
runs hypercorn, whose end may not announce a stop, enters `running()` itself.
Resources are async context managers registered by name with `resource`; they are entered in order and left in reverse.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from types import FrameType

import structlog

from async_handler.types import Receive, Send

logger = structlog.get_logger(__name__)

Resource = Callable[[], AbstractAsyncContextManager[object]]


class _State:
    """Of one process; a test of start and stop puts another one in its place."""

    def __init__(self) -> None:
        self.draining = asyncio.Event()
        self.resources: list[Resource] = []
        self.running = False
        self.starting = asyncio.Lock()
        self.unannounced: AbstractAsyncContextManager[None] | None = None


_state = _State()


def resource(factory: Resource) -> Resource:
    """Have `factory` entered when the process starts and left when it stops; usable as a decorator."""
    if factory not in _state.resources:
        _state.resources.append(factory)
    return factory


def draining() -> bool:
    """True once the process was told to stop: it finishes what it has and takes nothing new."""
    return _state.draining.is_set()


async def drained() -> None:
    """Wait until the process is told to stop; what would otherwise run for ever ends then."""
    await _state.draining.wait()


def drain() -> None:
    """Turn readiness off and end the streams."""
    _state.draining.set()


def undrain() -> None:
    """Start over: the process takes new work."""
    _state.draining = asyncio.Event()


def _drain_on_sigterm() -> None:
    # A server reports the end to its application only after the last connection has closed, which a stream never does
    # by itself. So the application listens too, in front of the server's own handler.
    if threading.current_thread() is not threading.main_thread():
        return
    server = signal.getsignal(signal.SIGTERM)
    if not callable(server):
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(drain)
        server(number, frame)

    signal.signal(signal.SIGTERM, handle)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[None]:
    """The time between start and stop, with every registered resource open."""
    undrain()
    _drain_on_sigterm()
    async with contextlib.AsyncExitStack() as stack:
        for factory in _state.resources:
            await stack.enter_async_context(factory())
        _state.running = True
        logger.info("process.started")
        try:
            yield
        finally:
            _state.running = False
            drain()
    logger.info("process.stopped")


def is_running() -> bool:
    """True between the start and the stop of this process's resources."""
    return _state.running


async def ensure_running() -> None:
    """Open the resources now if the server announced no start; the end of the process is what closes them then."""
    if _state.running:
        return
    async with _state.starting:
        if not _state.running:
            # Kept: a generator that nobody refers to is closed, and the resources with it.
            _state.unannounced = running()
            await _state.unannounced.__aenter__()


async def serve_lifespan(receive: Receive, send: Send) -> None:
    """Answer the ASGI lifespan protocol with `running()`; the server exits where the start is reported failed."""
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
