"""A client by WebSocket: as a guest, with a ticket, or with a cookie."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
from tests.chaos.member import Member, Refused
from tests.chaos.people import Office
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

_OPEN_TIMEOUT = 6.0
_PROTOCOL = "millrace.v1"


class WebSocketMember(Member):
    """`entry`: "guest", "ticket" or "cookie"; `place` is `host:port` of a realtime process or of what they share.

    `heartbeat`: the client gives a connection up by itself after twice this number of silent seconds.
    """

    kind = "ws"

    def __init__(
        self, *who: Any, place: str, label: str, entry: str, office: Office, heartbeat: float | None = None
    ) -> None:
        super().__init__(*who)
        self._place = place
        self._label = label
        self._entry = entry
        self._office = office
        self._heartbeat = heartbeat
        self._connection: ClientConnection | None = None

    async def session(self) -> int | None:
        query = f"?{urlencode({'since': self.last, 'epoch': self.epoch})}" if self.last is not None else ""
        try:
            handshake = await self._handshake()
            # Usually without pings of its own: that the server notices a dead peer is the server's promise.
            connecting = connect(
                f"ws://{self._place}/ws/chat/{self.room}/{query}",
                **handshake,
                compression=None,
                ping_interval=self._heartbeat,
                ping_timeout=self._heartbeat,
                proxy=None,
                open_timeout=_OPEN_TIMEOUT,
                close_timeout=1,
            )
            self._connection = await connecting
        except aiohttp.ClientResponseError as error:
            raise Refused(f"ticket http {error.status}", error.status) from error
        except InvalidStatus as error:
            raise Refused(f"http {error.response.status_code}", error.response.status_code) from error
        except (OSError, TimeoutError, InvalidHandshake, aiohttp.ClientError, ConnectionClosed, EOFError) as error:
            raise Refused(type(error).__name__) from error
        self.opened(self._label)
        return await self._read(self._connection)

    async def _read(self, connection: ClientConnection) -> int | None:
        try:
            while True:
                self.frame(str(await connection.recv()))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            self.record("close", conn=self.conn, code=code)
            return code
        finally:
            self._connection = None
            connection.transport.abort()

    async def _handshake(self) -> dict[str, Any]:
        if self.person is None or self._entry == "guest":
            return {"subprotocols": [Subprotocol(_PROTOCOL)]}
        if self._entry == "cookie":
            return {"origin": Origin(self.person.origin), "additional_headers": {"Cookie": self.person.cookie}}
        ticket = await self._office.ticket(self.person, self.room)
        return {"subprotocols": [Subprotocol(_PROTOCOL), Subprotocol(f"ticket.{ticket}")]}

    async def post(self, client_id: str, text: str, checked: str, within: float) -> str:
        """One attempt on this connection: "" where it was acknowledged, an error's code, "cut" or "timeout"."""
        await self.online.wait()
        if self._connection is None:
            return "cut"
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.answers[client_id] = answer
        self.record("send", conn=self.conn, id=client_id, via="ws", sum=checked)
        try:
            async with asyncio.timeout(within):
                await self._connection.send(json.dumps({"message": text, "id": client_id}))
                return await answer
        except TimeoutError:
            return "timeout"
        except ConnectionClosed:
            return "cut"
        finally:
            del self.answers[client_id]
