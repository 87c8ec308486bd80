"""Our server with an application that sends back what it gets: what the conformance cases talk to.

A program of its own: `python echo.py` listens on a free port and logs it, as the service does.
"""

from chassis.env import configure

configure("realtime.settings")

from async_handler.types import Receive, Scope, Send  # noqa: E402 - the settings come first
from realtime.server import Server  # noqa: E402

# The largest case sends 16 MiB in one message.
MAX_BYTES = 17 * 1024 * 1024


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, and send back each message as it came, text as text and binary as binary."""
    if scope["type"] != "websocket":
        return
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({**message, "type": "websocket.send"})


if __name__ == "__main__":
    Server(echo, ["tcp:port=0:interface=127.0.0.1"], max_bytes=MAX_BYTES).serve()
