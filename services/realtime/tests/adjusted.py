"""The service with constants of a test's own, and with one path more: a program to run in the service's place.

Each name in `CONSTANTS` may be a variable of the environment, in seconds or a count. `GET /slow` is answered when the
process has been told to end, so a test needs no clock to have a request in flight at that moment.
"""

import os

import structlog

from async_handler.types import Receive, Scope, Send
from chassis import lifespan
from chassis.database import usage
from realtime import drain, protocol
from realtime.__main__ import _endpoints
from realtime.asgi import application
from realtime.server import Server
from rooms import presence

CONSTANTS = {
    "LONGEST_PAUSE": drain,
    "GRACE_SECONDS": drain,
    "CANCEL_SECONDS": drain,
    "BEATS": presence,
    "PING_INTERVAL": usage,
    "TOO_SLOW_SECONDS": protocol,
}
STARTED = "slow.started"


def adjust() -> None:
    """Set the constants that the environment names."""
    for name, module in CONSTANTS.items():
        if name in os.environ:
            setattr(module, name, float(os.environ[name]))


async def with_slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything but `/slow` is the service's."""
    if scope["type"] != "http" or scope["path"] != "/slow":
        await application(scope, receive, send)
        return
    structlog.get_logger("slow").info(STARTED)
    await lifespan.drained()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


if __name__ == "__main__":
    adjust()
    Server(with_slow, _endpoints()).serve()
