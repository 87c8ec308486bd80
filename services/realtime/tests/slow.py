"""The service with one HTTP path more, `/slow`, which takes two seconds: a program to run in the service's place."""

import asyncio

import structlog

from chassis.types import Receive, Scope, Send
from realtime.__main__ import _endpoints
from realtime.asgi import application
from realtime.server import Server

SECONDS = 2
STARTED = "slow.started"


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything but `/slow` is the service's."""
    if scope["type"] != "http" or scope["path"] != "/slow":
        await application(scope, receive, send)
        return
    structlog.get_logger("slow").info(STARTED)
    await asyncio.sleep(SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


if __name__ == "__main__":
    Server(slow, _endpoints()).serve()
