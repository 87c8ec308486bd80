"""Delivery in one process, to WebSockets and Server-Sent Events alike.

PostgreSQL is the truth and the bus only a hint. A room with members here is one group on the process's one channel.
Messages are delivered in the order of their numbers, each once; what no hint brings is found by asking PostgreSQL for
the heads of all these rooms, in one query a second, and read once a room. So Redis may be dead and chat still flows.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import structlog

from chassis import bus, database
from chassis.background import report
from rooms import events, names
from rooms.access import RoomAccess
from rooms.hub import metrics
from rooms.hub.feed import Feed
from rooms.hub.member import Encode, Member, RoomRestarted
from rooms.hub.seat import Seat
from rooms.messages import StoredMessage

logger = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
# Connections that all rooms together use for reading: some of the pool is left for posting and joining.
MAX_READS = 4


class Hub:
    """The rooms that have members in this process; `encode` makes what is written to a member, once a frame."""

    def __init__(self, encode: Encode, inbox: bus.Inbox = bus.inbox) -> None:
        self._encode = encode
        self._inbox = inbox
        self._feeds: dict[int, Feed] = {}
        self._gate = asyncio.Semaphore(MAX_READS)
        self._hurry = asyncio.Event()
        inbox.on_gap(self._hurry.set)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A lifespan resource: finds what no hint brought, until the end of the block."""
        polling = asyncio.create_task(self._poll(), name="hub-poll")
        try:
            yield
        finally:
            polling.cancel()
            await asyncio.wait({polling})

    async def join(self, room: RoomAccess, member: Member) -> Seat:
        """A place for `member` in `room`, which starts with `Seat.catch_up`; whoever gets it calls `leave` in the end.

        Its group is subscribed, so there is no hole between history and what follows. Raises what the database raises,
        `NotFound` where the room is gone, and `RoomRestarted` where its epoch is another by now.
        """
        feed = self._feeds.get(room.id)
        if feed is None or feed.over:
            feed = self._feeds[room.id] = Feed(room, self._encode, self._gate)
        elif feed.room.epoch != room.epoch:
            # Either side may be the one that is behind: the next poll knows.
            self._hurry.set()
            raise RoomRestarted
        seat = Seat(feed, member)
        feed.seats.add(seat)
        self._count()
        try:
            await feed.ready(lambda: self._inbox.listen(names.group(room.name), feed.heard))
        except BaseException:
            await self.leave(seat)
            raise
        return seat

    async def leave(self, seat: Seat) -> None:
        """The member is gone; a room without any is forgotten. Does not wait for Redis."""
        feed = seat.feed
        feed.seats.discard(seat)
        feed.live.pop(seat, None)
        if not feed.seats:
            feed.close()
            if self._feeds.get(feed.room.id) is feed:
                del self._feeds[feed.room.id]
            await self._inbox.ignore(names.group(feed.room.name), feed.heard)
        self._count()

    def posted(self, room_id: int, message: StoredMessage) -> None:
        """`message` was stored by this process: its own members get it at once, the others are told by the bus."""
        feed = self._feeds.get(room_id)
        if feed is not None:
            feed.accept(message)
        events.announce_message(message)

    def _count(self) -> None:
        metrics.ROOMS.set(len(self._feeds))
        metrics.MEMBERS.set(sum(len(feed.seats) for feed in self._feeds.values()))

    async def _poll(self) -> None:
        # Processes that were started together do not ask together.
        pause = random.uniform(0, POLL_SECONDS)  # noqa: S311 - spreads load, hides nothing
        failing = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()
            pause = POLL_SECONDS
            self._hurry.clear()
            try:
                await self._ask_for_heads()
                failing = False
            except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may go well
                if not failing:
                    report(error, "hub.poll_failed")
                failing = True

    async def _ask_for_heads(self) -> None:
        known = {feed.room.id: (feed, feed.seq) for feed in self._feeds.values() if feed.started and not feed.over}
        if not known:
            return
        async with database.connection():
            rows = await database.fetch_all(
                "SELECT id, last_seq, epoch FROM rooms_room WHERE id = ANY(%s)", (list(known),)
            )
        heads = {room_id: (seq, epoch) for room_id, seq, epoch in rows}
        for room_id, (feed, seq) in known.items():
            if room_id in heads:
                feed.head(*heads[room_id], known=seq)
            else:
                feed.gone()
