"""hypercorn, with an end that is bounded and closes the process's resources.

hypercorn by itself: a client that reads nothing holds up its end for ever, so no stop is announced and nothing closed.
On asyncio's loop any request does, whatever its time for requests is; so it runs on uvloop.
"""

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Sequence
from socket import socket
from typing import Any

import structlog
import uvloop
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from api.servers import CANCEL, GRACE, KEEP_ALIVE, START_FAILED
from async_handler.types import ASGIApplication, Message, Receive, Scope, Send
from chassis import lifespan
from chassis.env import env
from chassis.listening import BACKLOG

logger = structlog.get_logger(__name__)
# Seconds.
_LINGER, _STEP = 5.0, 0.1


def serve(sockets: Sequence[socket]) -> None:
    """Serve on `sockets` until SIGTERM or SIGINT."""
    from api.asgi import application  # noqa: PLC0415 - needs Django, and is imported by each worker for itself

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if not runner.run(_run(application, sockets, env.float("DRAIN_SECONDS", 10))):
            sys.exit(START_FAILED)


async def _run(application: ASGIApplication, sockets: Sequence[socket], drain_seconds: float) -> bool:
    """False if the resources could not be opened, or the server ended by itself."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(each) != signal.SIG_IGN:
            loop.add_signal_handler(each, stopping.set)
    life = lifespan.running()
    try:
        await life.__aenter__()
    except Exception:
        logger.exception("process.start_failed")
        return False
    config = _config(sockets, drain_seconds)
    serving = asyncio.create_task(hypercorn_serve(_opened(application), config, shutdown_trigger=stopping.wait))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([serving, stop], return_when=asyncio.FIRST_COMPLETED)
    lifespan.drain()
    # It cancels requests after `drain_seconds`, but not the wait for a client that reads nothing.
    await asyncio.wait([serving], timeout=drain_seconds + GRACE)
    if serving.cancel():
        await asyncio.wait([serving], timeout=CANCEL)
    await life.__aexit__(None, None, None)
    return _ended_well(serving, stop)


def _ended_well(serving: "asyncio.Task[None]", stop: "asyncio.Task[bool]") -> bool:
    # Cancelled requests show as a cancelled server.
    if serving.done() and not serving.cancelled() and (error := serving.exception()):
        logger.error("server.failed", exc_info=error)
        return False
    return stop.done()


def _config(sockets: Sequence[socket], drain_seconds: float) -> Config:
    """hypercorn's settings; each has a reason."""
    config = Config()
    config.bind = [f"fd://{each.fileno()}" for each in sockets]
    # It listens anew on what listens already.
    config.backlog = BACKLOG
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE
    config.graceful_timeout = drain_seconds
    # We log one line for each request; the server's other lines get the form of all lines.
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    return config


def _opened(application: ASGIApplication) -> Any:
    """`application` for hypercorn (whose types are narrower), in a process that has entered the lifespan already."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await application(scope, *_announcing(receive, send))
        elif scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
        else:
            await application(scope, receive, send)

    return answer


def _announcing(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The two with a response that says if it is the last one on its connection.

    hypercorn closes a connection without a word when it stops, and when a response came before the end of the request's
    body. A client that does not know it sends its next request into nothing; one that still sends gets a reset and
    loses the response. So the rest of the body is read first, for `_LINGER` seconds at most.
    """
    complete = False

    async def receive_body() -> Message:
        nonlocal complete
        message = await receive()
        complete = complete or not message.get("more_body", False)
        return message

    async def send_response(message: Message) -> None:
        if message["type"] == "http.response.start" and (not complete or lifespan.draining()):
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        elif not message.get("more_body", False):
            await discard_body()
        await send(message)

    async def discard_body() -> None:
        until = time.monotonic() + _LINGER
        while not complete and time.monotonic() < until:
            # In steps: what watches for the client to leave may have received the end of the body.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STEP):
                    await receive_body()

    return receive_body, send_response
