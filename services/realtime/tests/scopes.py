"""Our server with an application that returns what the server says about a client: a program like `echo.py`."""

import json
import os

from chassis.env import configure

configure("realtime.settings")

from async_handler.types import Receive, Scope, Send  # noqa: E402 - the settings come first
from chassis.forwarded import TrustedProxies  # noqa: E402
from realtime.server import Server  # noqa: E402


async def describe(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the client's address and the scheme, as JSON."""
    text = json.dumps([scope["client"][0], scope["scheme"]])
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": text})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})


if __name__ == "__main__":
    proxies = TrustedProxies.parse(os.environ["FORWARDED_ALLOW_IPS"])
    Server(describe, ["tcp:port=0:interface=127.0.0.1"], proxies=proxies).serve()
