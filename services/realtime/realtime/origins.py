"""The Origin check of the WebSocket handshake.

A browser lets any page open a socket to any host and sends the cookies along, so the Origin header is all that stands
between a hostile page and the session of whoever looks at it. It is compared whole, scheme and port included.
"""

from django.conf import settings

from async_handler.types import ASGIApplication, Receive, Scope, Send
from realtime import authentication


def allowed(scope: Scope) -> bool:
    """True if this handshake may go on.

    A ticket says by itself who comes, and the cookie is not looked at: Origin does not matter. Otherwise a session
    cookie needs an allowed Origin, and a guest needs one only if the header is there: whenever it is a browser.
    """
    if authentication.brings_ticket(scope):
        return True
    given = authentication.header_values(scope, b"origin")
    if not given:
        return authentication.session_key(scope) is None
    return len(given) == 1 and given[0] in settings.ALLOWED_ORIGINS


class OriginCheck:
    """Rejects a handshake that `allowed` does not allow; the client sees HTTP 403."""

    def __init__(self, application: ASGIApplication) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the socket on, or reject it."""
        await (self.application if allowed(scope) else reject)(scope, receive, send)


async def reject(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that rejects every handshake with HTTP 403."""
    await receive()
    await send({"type": "websocket.close"})
