"""Our server with an application that writes what it is told to: a program of its own, as `echo.py` is.

A client orders `{"count": 3, "size": 100, "pause": false, "close": 4000}`: so many messages, `<number> xxx...`, every
third by ASGI's `send` and the others by our server's extension, at once or one a turn of the loop, then perhaps a
close.
`TLS_KEY` and `TLS_CERTIFICATE` name files; with them it also speaks TLS, at a port of its own.
"""

import asyncio
import json
import os

from chassis.env import configure

configure("realtime.settings")

import structlog  # noqa: E402 - the settings come first

from async_handler.types import Receive, Scope, Send  # noqa: E402 - as above
from realtime import protocol, wire  # noqa: E402 - as above
from realtime.__main__ import _endpoints  # noqa: E402 - as above
from realtime.drain import reactor  # noqa: E402 - as above
from realtime.outlet import WRITE  # noqa: E402 - as above
from realtime.server import Server  # noqa: E402 - as above

WRITTEN, DISCONNECTED = "flood.written", "flood.disconnected"

logger = structlog.get_logger("flooding")


async def flood(scope: Scope, receive: Receive, send: Send) -> None:
    """Do what each message orders."""
    if scope["type"] != "websocket":
        return
    write = scope["extensions"][WRITE]
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
            continue
        order = json.loads(message["text"])
        for number in range(order["count"]):
            text = f"{number} {'x' * order['size']}"
            if number % 3 == 2:
                await send({"type": "websocket.send", "text": text})
            else:
                write(wire.text(text.encode()))
            if order.get("pause"):
                await asyncio.sleep(0)
        logger.info(WRITTEN, unsent=write.__self__.unsent(), writers=len(reactor.getWriters()))
        if "close" in order:
            await send({"type": "websocket.close", "code": order["close"]})
    logger.info(DISCONNECTED)


def _tls_endpoints() -> list[str]:
    key, certificate = os.environ["TLS_KEY"], os.environ["TLS_CERTIFICATE"]
    return [f"ssl:port=0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"]


if __name__ == "__main__":
    # A client on a slow machine reads what is left when it gets to it.
    protocol.TOO_SLOW_SECONDS = 60.0
    Server(flood, _endpoints() + (_tls_endpoints() if "TLS_KEY" in os.environ else [])).serve()
