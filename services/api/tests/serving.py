"""The api of the test's own process on a real port, for whoever asks it over the network."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn

from api.asgi import application
from testing.waiting import eventually


@dataclass(frozen=True)
class Served:
    """Where it is."""

    url: str


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    """uvicorn in this event loop, without a lifespan of its own: the suite has entered it."""
    config = uvicorn.Config(application, host="127.0.0.1", port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    # Not `serve`, which would take the signals of the test's process.
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started, what="the server listens")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Served(f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        await task
