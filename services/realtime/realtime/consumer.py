"""The base of our consumers: Channels' dispatch without its thread, and a socket that one bad message does not end.

Channels visits asgiref's single shared thread before every message of every socket (`aclose_old_connections` in
`AsyncConsumer.dispatch`), so one slow query there holds up all sockets of the process. Our connections are asynchronous
and given back by `chassis.database.connection`, so there is nothing to close. Its generic consumers also end the socket
on any exception, on a binary frame and on a message type they do not know.
"""

import asyncio
from uuid import UUID

import structlog
from autobahn.exception import Disconnected
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.utils import await_many_dispatch

from chassis import bus
from chassis.errors import BadRequest, Error, translate
from chassis.types import Message, Receive, Scope, Send
from realtime import frames, metrics
from realtime.close_codes import CloseCode, close_code
from realtime.subscription import Subscription

logger = structlog.get_logger(__name__)

# The ASGI extension of our server: an async callable that waits until the reader has room for more.
FLUSHED = "millrace.websocket.flushed"


class Consumer(AsyncConsumer):
    """One socket. Subclasses define `connect`, `received`, `bus_event` and `left`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the socket to its end."""
        self.scope = scope
        self.next_message = receive
        self.base_send = send
        self.subscription = Subscription()
        self.accepted = self.over = False
        try:
            await await_many_dispatch([receive, self.subscription.receive], self.dispatch)
        except StopConsumer:
            pass
        except asyncio.CancelledError:
            # The server ends: what the client is told then is the server's to say.
            self.over = True
            raise
        except Exception:
            logger.exception("socket.failed")
        finally:
            await self._end()

    async def _end(self) -> None:
        if self.accepted:
            metrics.SOCKETS.dec()
        try:
            # daphne keeps the socket of an application that returned without closing it, as a zombie.
            await self.close(CloseCode.INTERNAL_ERROR)
        finally:
            try:
                await self.subscription.close()
            finally:
                # Also where the server cancels it for taking too long.
                await self.left()

    async def dispatch(self, message: Message) -> None:
        """Handle one message from the client or the bus; an unknown type is ignored."""
        try:
            match message["type"]:
                case "websocket.connect":
                    await self.connect()
                case "websocket.receive":
                    await self._receive(message)
                case "websocket.disconnect":
                    self.over = True
                    raise StopConsumer
                case bus.HANDLER:
                    await self.bus_event(message)
        except StopConsumer:
            raise
        except Exception as error:  # noqa: BLE001 - logged or told to the client by `_failed`
            await self._failed(message["type"], error)

    async def _receive(self, message: Message) -> None:
        try:
            text = message.get("text")
            if text is None:
                raise BadRequest("Binary frames are not understood")
            await self.received(text)
        except Error:
            metrics.FRAMES_IN.labels("refused").inc()
            raise
        metrics.FRAMES_IN.labels("taken").inc()

    async def _failed(self, message_type: str, error: Exception) -> None:
        known = translate(error)
        if known is None:
            logger.error("socket.handler_failed", message_type=message_type, exc_info=error)
        elif message_type == bus.HANDLER:
            # Nothing that this client did. The next message, or reconnecting, fills the gap.
            logger.warning("socket.delivery_failed", reason=known.message)
        if message_type == "websocket.connect":
            await self.refuse(close_code(known or Error()))
        elif message_type == "websocket.receive":
            await self.send_frame(frames.of_error(known or Error(), None))

    async def report(self, error: Error, client_id: UUID | None = None) -> None:
        """Tell the client that something was not done."""
        await self.send_frame(frames.of_error(error, client_id))

    async def accept(self, subprotocol: str | None = None) -> None:
        """Complete the handshake, once."""
        if not self.accepted:
            self.accepted = True
            metrics.SOCKETS.inc()
            await self.base_send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def refuse(self, code: CloseCode) -> None:
        """Close with a code that the client can read, which takes a completed handshake, and end the consumer."""
        await self.accept()
        await self.close(code)
        raise StopConsumer

    async def close(self, code: CloseCode) -> None:
        """Close the socket; nothing where it is closed already."""
        if not self.over:
            self.over = True
            metrics.CLOSES.labels(int(code)).inc()
            logger.info("socket.closed", code=int(code), reason=code.name.lower())
            await self.base_send({"type": "websocket.close", "code": int(code)})

    async def send_frame(self, frame: frames.ServerFrame) -> None:
        """Send one frame."""
        try:
            await self.base_send({"type": "websocket.send", "text": frames.encode(frame)})
        except Disconnected:
            # The closing handshake has begun and the disconnect message is on its way.
            self.over = True
            raise StopConsumer from None
        metrics.FRAMES_OUT.labels(frame.__struct_config__.tag).inc()

    async def flushed(self) -> None:
        """Wait for a reader that is slower than we send; no other server than ours tells."""
        wait = self.scope.get("extensions", {}).get(FLUSHED)
        if wait is not None:
            await wait()

    async def connect(self) -> None:
        """The handshake: accept, or raise an `Error` to have the socket closed with its code."""
        raise NotImplementedError

    async def received(self, text: str) -> None:
        """A text frame came; an `Error` is told to the client."""
        raise NotImplementedError

    async def bus_event(self, message: Message) -> None:
        """Something was published to the group."""
        raise NotImplementedError

    async def left(self) -> None:
        """The socket is gone, whatever the reason."""
