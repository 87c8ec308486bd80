"""Delivery in one process, to WebSockets and Server-Sent Events alike.

PostgreSQL is the truth and the bus only a hint. A room with members here is one group on the process's one channel.
Messages are delivered in the order of their numbers, each once; what no hint brings is found by asking PostgreSQL for
the heads of all these rooms, in one query a second, and read once a room. So Redis may be dead and chat still flows.
Who may not be in a room any more is found the same way (`rooms.hub.guard`): by events, and by asking.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator

import structlog

from accounts import events as accounts_events
from accounts.credentials import Credential
from chassis import bus, database
from chassis.background import repeated, report
from rooms import events, names, on_demand
from rooms.access import RoomAccess, stale_seconds
from rooms.hub import metrics
from rooms.hub.feed import Feed
from rooms.hub.guard import Guard
from rooms.hub.member import Encode, Member, RoomRestarted
from rooms.hub.seat import Seat
from rooms.hub.traces import Heard, Origin
from rooms.memberships import Removed
from rooms.messages import StoredMessage

logger = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
# Connections that all rooms together use for reading: some of the pool is left for posting and joining.
MAX_READS = 4
# Who joined is asked about once more, those of one second together: what ended them may have come before the inbox
# listened for it.
JOINED_SECONDS = 1.0


class Hub:
    """The rooms that have members in this process; `encode` makes what is written to a member, once a frame.

    `poll`, `joined` and `recheck` are seconds: between two looks at the heads, until a new member is asked about once
    more, and in which everybody is asked about (by default RECHECK_SECONDS).
    """

    def __init__(
        self,
        encode: Encode,
        inbox: bus.Inbox = bus.inbox,
        *,
        poll: float = POLL_SECONDS,
        joined: float = JOINED_SECONDS,
        recheck: float | None = None,
    ) -> None:
        self._encode = encode
        self._inbox = inbox
        self._poll_seconds, self._joined_seconds = poll, joined
        self._feeds: dict[int, Feed] = {}
        self._of_user: dict[int, set[Seat]] = {}
        self._gate = asyncio.Semaphore(MAX_READS)
        self._hurry = asyncio.Event()
        self._guard = Guard(lambda: [seat for feed in self._feeds.values() for seat in feed.seats], recheck)
        inbox.on_gap(self._hurry.set)
        inbox.on_gap(self._guard.doubt_all)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A lifespan resource: finds what no hint brought, until the end of the block."""
        tasks = {
            asyncio.create_task(self._poll(), name="hub-poll"),
            asyncio.create_task(self._guard.watch(), name="hub-guard"),
        }
        # One subscription a process, not one a user.
        await self._inbox.listen(accounts_events.GROUP, self._heard_of_user)
        try:
            async with repeated(self.mark_used, every=stale_seconds()):
                yield
        finally:
            await self._inbox.ignore(accounts_events.GROUP, self._heard_of_user)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def join(self, room: RoomAccess, member: Member, credential: Credential | None = None) -> Seat:
        """A place for `member` in `room`, which starts with `Seat.catch_up`; whoever gets it calls `leave` in the end.

        `credential` is what the member came with, None for a guest: when it ends, or with it the right to be in the
        room, `member.removed` is called.
        Its group is subscribed, so there is no hole between history and what follows. Raises what the database raises,
        `NotFound` where the room is gone, and `RoomRestarted` where its epoch is another by now.
        """
        feed = self._feeds.get(room.id)
        if feed is None or feed.over:
            feed = self._feeds[room.id] = Feed(room, self._encode, self._gate, self._guard.doubt)
        elif feed.room.epoch != room.epoch:
            # Either side may be the one that is behind: the next poll knows.
            self._hurry.set()
            raise RoomRestarted
        seat = Seat(feed, member, credential)
        feed.seats.add(seat)
        self._count()
        try:
            if credential is not None:
                self._of_user.setdefault(credential.user_id, set()).add(seat)
            await feed.ready(lambda: self._inbox.listen(names.group(room.name), feed.heard))
        except BaseException:
            await self.leave(seat)
            raise
        self._guard.doubt([seat], self._joined_seconds)
        return seat

    async def leave(self, seat: Seat) -> None:
        """The member is gone; a room without any is forgotten. Does not wait for Redis."""
        feed = seat.feed
        seat.over = True
        feed.seats.discard(seat)
        feed.live.pop(seat, None)
        if seat.credential is not None:
            self._forget_user(seat.credential.user_id, seat)
        if not feed.seats:
            feed.close()
            if self._feeds.get(feed.room.id) is feed:
                del self._feeds[feed.room.id]
            await self._inbox.ignore(names.group(feed.room.name), feed.heard)
        self._count()

    def posted(self, room_id: int, message: StoredMessage, origin: Origin | None = None) -> None:
        """`message` was stored by this process: its own members get it at once, the others are told by the bus."""
        feed = self._feeds.get(room_id)
        if feed is not None:
            feed.accept(message, Heard(time.time(), over_redis=False, origin=origin) if origin else None)
        events.announce_message(message, origin)

    def member_removed(self, room: str, removed: Removed) -> None:
        """A membership was taken by this process: it asks about its own members at once, the others are told."""
        feed = self._feeds.get(removed.room_id)
        if feed is not None:
            feed.member_removed(removed.user_id)
        events.announce_removal(room, removed.user_id)

    async def mark_used(self) -> None:
        """Note in PostgreSQL that the rooms that have members here are in use, so that none of them is removed."""
        await on_demand.mark_used(feed.room.id for feed in self._feeds.values() if not feed.over)

    def _heard_of_user(self, event: bus.Event) -> None:
        user_id = accounts_events.user_of(event)
        for seat in tuple(self._of_user.get(user_id, ()) if user_id is not None else ()):
            seat.heard_of_user(event)

    def _forget_user(self, user_id: int, seat: Seat) -> None:
        seats = self._of_user.get(user_id, set())
        seats.discard(seat)
        if not seats:
            self._of_user.pop(user_id, None)

    def _count(self) -> None:
        metrics.ROOMS.set(len(self._feeds))
        metrics.MEMBERS.set(sum(len(feed.seats) for feed in self._feeds.values()))

    async def _poll(self) -> None:
        # Processes that were started together do not ask together.
        pause = random.uniform(0, self._poll_seconds)  # noqa: S311 - spreads load, hides nothing
        failing = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()
            pause = self._poll_seconds
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
        rows = await database.fetch_all(
            "SELECT id, last_seq, epoch, removals FROM rooms_room WHERE id = ANY(%s::bigint[])", (list(known),)
        )
        heads = {room_id: values for room_id, *values in rows}
        for room_id, (feed, known_seq) in known.items():
            if room_id in heads:
                seq, epoch, removals = heads[room_id]
                feed.head(seq, epoch, known=known_seq)
                feed.removals(removals)
            else:
                feed.gone()
