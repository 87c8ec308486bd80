"""Chat in a room: `ws/chat/<room>/`. docs/protocol.md describes what this does from the outside."""

import asyncio
from uuid import uuid4

import structlog
from channels.exceptions import StopConsumer

from chassis import bus
from chassis.errors import BadRequest, Error, TooManyRequests, Unauthorized, translate
from realtime import authentication, frames, history, settings
from realtime.close_codes import CloseCode, close_code
from realtime.consumer import Consumer
from realtime.delivery import hub
from realtime.limits import TokenBucket, places
from rooms import events, limits, messages, on_demand
from rooms.hub import Seat, traces
from rooms.presence import Lease
from rooms.senders import Sender

logger = structlog.get_logger(__name__)

TICKET_TIMEOUT = 5.0
BURST, PER_SECOND = 20, 10
# So many frames may be refused as too fast, at once and a second, before the socket is closed for it.
PATIENCE, PATIENCE_PER_SECOND = 100, 5


class ChatConsumer(Consumer):
    """One member's socket in one room."""

    seat: Seat | None = None
    lease: Lease | None = None
    place: str | None = None

    async def connect(self) -> None:
        """Find out who this is and what room, then join it."""
        name = self.scope["url_route"]["kwargs"]["room"]
        self.subprotocol = authentication.accepted_subprotocol(self.scope)
        self.bucket = TokenBucket(BURST, PER_SECOND)
        self.patience = TokenBucket(PATIENCE, PATIENCE_PER_SECOND)
        ticket = None
        if authentication.ticket_follows(self.scope):
            await self.accept()
            ticket = await self._first_frame()
        self.identity = await authentication.identify(self.scope, name, ticket)
        self.room = await on_demand.open_room(name, self.sender.user_id, authentication.client_address(self.scope))
        if not places.take(self.sender.key, settings.MAX_SOCKETS_PER_USER):
            await self.refuse(CloseCode.TOO_MANY_SOCKETS)
        self.place = self.sender.key
        await self.accept()
        logger.info("socket.opened", room=self.room.name, sender=self.sender.key)
        await self._join()

    @property
    def sender(self) -> Sender:
        """Who is at the other end."""
        return self.identity.sender

    async def _first_frame(self) -> str:
        """The ticket that was announced; raises `Unauthorized` for anything else, or nothing, within the time."""
        try:
            async with asyncio.timeout(TICKET_TIMEOUT):
                message = await self.next_message()
        except TimeoutError:
            raise Unauthorized("No ticket came") from None
        if message["type"] == "websocket.disconnect":
            self.over = True
            raise StopConsumer
        try:
            frame = frames.decode(message.get("text") or "")
        except Error as error:
            raise Unauthorized from error
        if not isinstance(frame, frames.Authenticate):
            raise Unauthorized("The first frame must be a ticket")
        return frame.ticket

    async def _join(self) -> None:
        self.seat = await hub.join(self.room, self, self.identity.credential)
        self.lease = Lease(self.room.name, self.sender)
        arrival = await self.lease.take()
        if arrival is not None and arrival.sockets > settings.MAX_SOCKETS_PER_USER:
            # Nobody was told that they came, so nobody is told that they left.
            await self.lease.drop()
            self.lease = None
            await self.refuse(CloseCode.TOO_MANY_SOCKETS)
        place = history.start(authentication.query(self.scope), self.room)
        if place is history.Start.LOST:
            self.write(frames.ResyncRequired(self.room.name, self.room.epoch))
        async for frame in self.seat.catch_up(place if isinstance(place, int) else None):
            self.outlet.write(frame)
            await self.outlet.flushed()
        # Live from here on: nothing may be awaited before the client knows that history ends.
        self.write(frames.of_synced(self.room, self.seat.seq))
        if arrival is not None:
            self.write(frames.Presence(arrival.count, arrival.present))
        self.seat.release()
        if arrival is not None and arrival.told:
            events.announce(self.room.name, events.JOINED, self.sender)

    async def left(self) -> None:
        """Free what the socket held; tell the room, where this was the sender's last one."""
        if self.place is not None:
            places.free(self.place)
        try:
            if self.seat is not None:
                await hub.leave(self.seat)
        finally:
            if self.lease is not None and await self.lease.drop():
                events.announce(self.lease.room, events.LEFT, self.sender)

    async def received(self, text: str) -> None:
        """Do what a frame asks for."""
        if not self.bucket.take():
            await self._offended()
            raise TooManyRequests("Too fast")
        match frames.decode(text):
            case frames.Post() as post:
                await self._post(post)
            case frames.StartedTyping():
                events.announce(self.room.name, events.TYPING, self.sender)
            case frames.Ping():
                self.write(frames.Pong())
            case frames.Authenticate():
                raise BadRequest("Signed in already")

    async def _offended(self) -> None:
        if not self.patience.take():
            await self.refuse(CloseCode.TOO_FAST)

    async def _post(self, frame: frames.Post) -> None:
        try:
            limits.admit(self.room.name, self.sender)
            posted = await messages.post(self.room, self.sender, frame.id or uuid4(), frame.message)
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            if isinstance(known, TooManyRequests):
                await self._offended()
            # The outcome may be unknown: no acknowledgement, and the client repeats it with the same id.
            self.report(known, frame.id)
            return
        self.write(frames.Ack(posted.message.id, posted.message.seq))
        # A repeated post is announced again: the first announcement may be what got lost.
        hub.posted(self.room.id, posted.message, traces.origin(self.room, posted))

    def message(self, frame: bytes) -> None:
        """The room's next message."""
        if self.writable:
            self.outlet.write(frame)

    def event(self, event: bus.Event, frame: bytes) -> None:
        """Something else happened in the room; that they are typing is no news to the one who types."""
        if self.writable and not (event.name == events.TYPING and event.data["username"] == self.sender.username):
            self.outlet.write(frame)

    def removed(self, error: Error) -> None:
        """The room is gone or another one, or not this sender's any more."""
        self.end(close_code(error))
