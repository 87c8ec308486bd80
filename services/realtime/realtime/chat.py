"""Chat in a room: `ws/chat/<room>/`. docs/protocol.md describes what this does from the outside."""

import asyncio
from uuid import uuid4

import msgspec
import structlog
from channels.exceptions import StopConsumer

from accounts import events as accounts_events
from chassis import bus, database
from chassis.errors import BadRequest, Error, TooManyRequests, Unauthorized, translate
from chassis.types import Message
from realtime import authentication, frames, history, settings
from realtime.close_codes import CloseCode
from realtime.consumer import Consumer
from realtime.limits import TokenBucket, places
from rooms import access, events, messages, names
from rooms.cursor import Cursor
from rooms.presence import Lease
from rooms.senders import Sender

logger = structlog.get_logger(__name__)

TICKET_TIMEOUT = 5.0
BURST, PER_SECOND = 20, 10
# So many frames may be refused as too fast, at once and a second, before the socket is closed for it.
PATIENCE, PATIENCE_PER_SECOND = 100, 5


class ChatConsumer(Consumer):
    """One member's socket in one room."""

    lease: Lease | None = None
    place: str | None = None

    async def connect(self) -> None:
        """Find out who this is and what room, then join it."""
        name = self.scope["url_route"]["kwargs"]["room"]
        self.bucket = TokenBucket(BURST, PER_SECOND)
        self.patience = TokenBucket(PATIENCE, PATIENCE_PER_SECOND)
        ticket = None
        if authentication.ticket_follows(self.scope):
            await self.accept()
            ticket = await self._first_frame()
        async with database.connection():
            self.identity = await authentication.identify(self.scope, name, ticket)
            self.room = await access.enter(name, self.sender.user_id)
        if not places.take(self.sender.key, settings.MAX_SOCKETS_PER_USER):
            await self.refuse(CloseCode.TOO_MANY_SOCKETS)
        self.place = self.sender.key
        await self.accept(authentication.accepted_subprotocol(self.scope))
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
        # In this order: from the subscription on nothing is missed, so what history does not have comes by the bus, and
        # what both have the cursor drops.
        await self.subscription.open(names.group(self.room.name), *self._own_groups())
        self.lease = Lease(self.room.name, self.sender)
        arrival = await self.lease.take()
        self.cursor = Cursor(self.room, 0)
        place = history.start(authentication.query(self.scope), self.room)
        if place is history.Start.LOST:
            await self.send_frame(frames.ResyncRequired(self.room.name, self.room.epoch))
        async for page in history.replay(self.cursor, place):
            for message in page:
                await self._deliver([message])
                await self.flushed()
        await self.send_frame(frames.of_synced(self.room, self.cursor.seq))
        if arrival is None:
            return
        await self.send_frame(frames.Presence(arrival.count, arrival.present))
        if arrival.first:
            await events.announce(self.room.name, events.JOINED, self.sender)

    def _own_groups(self) -> list[str]:
        return [] if self.sender.user_id is None else [accounts_events.group(self.sender.user_id)]

    async def left(self) -> None:
        """Tell the room, where this was the sender's last socket."""
        if self.place is not None:
            places.free(self.place)
        if self.lease is not None and await self.lease.drop():
            await events.announce(self.lease.room, events.LEFT, self.sender)

    async def received(self, text: str) -> None:
        """Do what a frame asks for."""
        if not self.bucket.take():
            if not self.patience.take():
                await self.refuse(CloseCode.TOO_FAST)
            raise TooManyRequests("Too fast")
        match frames.decode(text):
            case frames.Post() as post:
                await self._post(post)
            case frames.StartedTyping():
                await events.announce(self.room.name, events.TYPING, self.sender)
            case frames.Ping():
                await self.send_frame(frames.Pong())
            case frames.Authenticate():
                raise BadRequest("Signed in already")

    async def _post(self, frame: frames.Post) -> None:
        try:
            async with database.connection():
                posted = await messages.post(self.room, self.sender, frame.id or uuid4(), frame.message)
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            # The outcome may be unknown: no acknowledgement, and the client repeats it with the same id.
            await self.report(known, frame.id)
            return
        await self.send_frame(frames.Ack(posted.message.id, posted.message.seq))
        if not await events.announce_message(posted.message) or not self.subscription.live:
            # No hint will come back from Redis, so the sender's own message is read from where it is.
            async with database.connection():
                await self._deliver(await self.cursor.fill())

    async def bus_event(self, message: Message) -> None:
        """Pass on what happened in the room."""
        event = bus.decode(message)
        if event is None:
            return
        try:
            if event.name == accounts_events.SIGNED_OUT:
                await self._signed_out(event)
            elif event.name == bus.GAP:
                await self._missed()
            elif event.name == events.MESSAGE:
                await self._announced(events.message_of(event))
            elif (frame := frames.of_event(event.name, event.data)) is not None and not self._own_typing(frame):
                await self.send_frame(frame)
        except msgspec.ValidationError as error:
            logger.warning("bus.malformed_event", bus_event=event.name, reason=str(error))

    async def _signed_out(self, event: bus.Event) -> None:
        key, token = self.identity.session_key, self.identity.access_token_id
        if accounts_events.ends(event, session_key=key, access_token_id=token):
            await self.refuse(CloseCode.NOT_SIGNED_IN)

    def _own_typing(self, frame: frames.ServerFrame) -> bool:
        return isinstance(frame, frames.Typing) and frame.username == self.sender.username

    async def _missed(self) -> None:
        # A gap is told once Redis has confirmed the groups, those too that it had not confirmed when they were joined.
        self.subscription.live = True
        async with database.connection():
            await self._deliver(await self.cursor.fill())

    async def _announced(self, message: messages.StoredMessage) -> None:
        async with database.connection():
            await self._deliver(await self.cursor.accept(message))

    async def _deliver(self, stored: list[messages.StoredMessage]) -> None:
        for message in stored:
            await self.send_frame(frames.of_message(message))
