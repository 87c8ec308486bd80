"""The base of our consumers: Channels' dispatch without its thread, and a socket that one bad message does not end.

Channels visits asgiref's single shared thread before every message of every socket (`aclose_old_connections` in
`AsyncConsumer.dispatch`), so one slow query there holds up all sockets of the process. Our connections are asynchronous
and given back by `chassis.database.connection`, so there is nothing to close. Its generic consumers also end the socket
on any exception, on a binary frame and on a message type they do not know.
"""

import asyncio
from uuid import UUID

import structlog
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from async_handler.types import Message, Receive, Scope, Send
from chassis.errors import BadRequest, Error, translate
from realtime import frames, metrics, wire
from realtime.close_codes import CloseCode, close_code
from realtime.outlet import outlet

logger = structlog.get_logger(__name__)


class Consumer(AsyncConsumer):
    """One socket. Subclasses define `connect`, `received` and `left`."""

    # A browser fails a handshake that selects none of the subprotocols it offered, and then sees no close code.
    subprotocol: str | None = None

    _task: asyncio.Task[object] | None = None
    _ending: CloseCode | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the socket to its end."""
        self.scope = scope
        self.next_message = receive
        self.base_send = send
        self.outlet = outlet(scope, send, lambda: self.end(CloseCode.TOO_SLOW))
        self.accepted = self.over = False
        self._task = asyncio.current_task()
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        except asyncio.CancelledError:
            if not self._ended():
                # The server ends: what the client is told then is the server's to say.
                self.over = True
                raise
        except Exception:
            logger.exception("socket.failed")
        finally:
            await self._end()

    def end(self, code: CloseCode) -> None:
        """Close with `code`, whatever the consumer is doing; for what happens outside of its own task."""
        if self._ending is None and not self.over and self._task is not None:
            self._ending = code
            self._task.cancel()

    @property
    def writable(self) -> bool:
        """False once the socket is closed or about to be: nothing that comes then may reach the client."""
        return not self.over and self._ending is None

    def _ended(self) -> bool:
        """True if it was `end` that cancelled the task, and nobody else."""
        return self._ending is not None and self._task is not None and not self._task.uncancel()

    async def _end(self) -> None:
        if self.accepted:
            metrics.SOCKETS.dec()
        try:
            # daphne keeps the socket of an application that returned without closing it, as a zombie.
            await self.close(self._ending or CloseCode.INTERNAL_ERROR)
        finally:
            # Also where the server cancels it for taking too long.
            await self.left()

    async def dispatch(self, message: Message) -> None:
        """Handle one message from the client; an unknown type is ignored."""
        try:
            match message["type"]:
                case "websocket.connect":
                    await self.connect()
                case "websocket.receive":
                    await self._receive(message)
                case "websocket.disconnect":
                    self.over = True
                    raise StopConsumer
        except StopConsumer:
            raise
        except Exception as error:  # noqa: BLE001 - logged or told to the client by `_failed`
            await self._failed(message, error)

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

    async def _failed(self, message: Message, error: Exception) -> None:
        known = translate(error)
        if known is None:
            logger.error("socket.handler_failed", message_type=message["type"], exc_info=error)
        if message["type"] == "websocket.connect":
            await self.refuse(close_code(known or Error()))
        else:
            self.report(known or Error(), frames.client_id(message.get("text")))

    def report(self, error: Error, client_id: UUID | None = None) -> None:
        """Tell the client that something was not done."""
        self.write(frames.of_error(error, client_id))

    async def accept(self) -> None:
        """Complete the handshake, once."""
        if not self.accepted:
            self.accepted = True
            metrics.SOCKETS.inc()
            await self.base_send({"type": "websocket.accept", "subprotocol": self.subprotocol})

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
            await self.outlet.close()
            await self.base_send({"type": "websocket.close", "code": int(code)})

    def write(self, frame: frames.ServerFrame) -> None:
        """Send one frame; nothing where the socket is closed or about to be."""
        if self.writable:
            self.outlet.write(wire.text(frames.encode(frame)))
            metrics.FRAMES_OUT.labels(frame.__struct_config__.tag).inc()

    async def connect(self) -> None:
        """The handshake: accept, or raise an `Error` to have the socket closed with its code."""
        raise NotImplementedError

    async def received(self, text: str) -> None:
        """A text frame came; an `Error` is told to the client."""
        raise NotImplementedError

    async def left(self) -> None:
        """The socket is gone, whatever the reason."""
