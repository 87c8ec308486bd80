"""One room in one process: what was delivered, what came too early, and who is here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import structlog

from chassis import bus
from chassis.background import report
from chassis.errors import Error, NotFound
from rooms import events, frames
from rooms.access import RoomAccess
from rooms.hub import metrics, traces
from rooms.hub.member import Encode, RoomRestarted
from rooms.hub.reading import Reading
from rooms.hub.tail import MAX_COUNT, Tail
from rooms.hub.traces import Heard
from rooms.messages import PAGE, StoredMessage

if TYPE_CHECKING:
    from rooms.hub.seat import Seat

logger = structlog.get_logger(__name__)

# A message that came before its predecessor waits so long for it; publishers are many, and overtake each other.
REORDER_SECONDS = 0.02


class Feed:
    """Delivers a room's messages in the order of their numbers, each once, to all live seats.

    What is announced is a hint: it may be lost, repeated or out of order. What is missing is read from PostgreSQL, once
    for all members.
    """

    def __init__(
        self, room: RoomAccess, encode: Encode, gate: asyncio.Semaphore, doubt: Callable[[Iterable[Seat]], None]
    ) -> None:
        self.room = room
        self.reading = Reading(room, encode, gate)
        self.seq = 0
        self.tail = Tail()
        self.seats: set[Seat] = set()
        self.live: dict[Seat, None] = {}
        self.started = self.over = False
        self._encode = encode
        self._doubt = doubt
        self._removals: int | None = None
        self._traced = traces.kept(room)
        self._early: dict[int, tuple[StoredMessage, Heard | None]] = {}
        self._target = 0
        self._filling: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None

    async def ready(self, listen: Callable[[], Awaitable[object]]) -> None:
        """Wait until the feed stands at the room's head; the first to ask starts it. Raises what the start raised."""
        if self.started:
            return
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start(listen))
        # Shared: one who goes away while waiting must not end it for the others.
        await asyncio.shield(self._starting)

    async def _start(self, listen: Callable[[], Awaitable[object]]) -> None:
        # Subscribed before the head is read: what is stored after that is announced, or found by the poll.
        await listen()
        head = await self.reading.head()
        newest = await self.reading.newest(MAX_COUNT)
        self.seq = max(head, newest[-1].seq if newest else 0)
        self.tail = Tail(newest[0].seq - 1 if len(newest) == MAX_COUNT else 0)
        for message in newest:
            self.tail.append(message.seq, self._encode(frames.of_message(message)))
        self.started = True
        self._take_early()

    def heard(self, event: bus.Event) -> None:
        """An event of this room came from the bus."""
        try:
            if event.name == events.MESSAGE:
                self.accept(events.message_of(event), traces.heard_of(event) if self._traced else None)
            elif event.name == events.MEMBER_REMOVED:
                self.member_removed(events.removed_of(event))
            elif (frame := frames.of_event(event)) is not None:
                self._tell(event, self._encode(frame))
        except msgspec.ValidationError as error:
            logger.warning("bus.malformed_event", bus_event=event.name, reason=str(error))

    def _tell(self, event: bus.Event, frame: bytes) -> None:
        for seat in self.seats:
            seat.event(event, frame)

    def member_removed(self, user_id: int) -> None:
        """A membership was taken. It may have been given back since, or not matter here: PostgreSQL knows."""
        self._doubt(seat for seat in self.seats if seat.credential is not None and seat.credential.user_id == user_id)

    def removals(self, count: int) -> None:
        """The database says that so many memberships of the room have been taken: are there more than we know of?"""
        if count != self._removals:
            self._removals = count
            self._doubt(self.seats)

    def accept(self, message: StoredMessage, heard: Heard | None = None) -> None:
        """`message` is stored: deliver it if it is the next one, else see to it that what precedes it comes first."""
        if self.over:
            return
        if message.seq <= self.seq and self.started:
            metrics.HINTS.labels("repeated").inc()
            return
        if message.seq == self.seq + 1 and self.started:
            metrics.HINTS.labels("next").inc()
            self._deliver(message, heard)
            self._take_early()
            return
        metrics.HINTS.labels("early").inc()
        if len(self._early) < PAGE:
            self._early[message.seq] = message, heard
        self.behind(message.seq)

    def _take_early(self) -> None:
        while (early := self._early.pop(self.seq + 1, None)) is not None:
            self._deliver(*early)
        if self._early:
            self._early = {seq: early for seq, early in self._early.items() if seq > self.seq}

    def _deliver(self, message: StoredMessage, heard: Heard | None = None) -> None:
        frame = self._encode(frames.of_message(message))
        self.seq = message.seq
        self.tail.append(message.seq, frame)
        # Whoever is told does not leave at once, so `live` stays as it is.
        seq = message.seq
        for seat in self.live:
            # A member that was served by another process may have heard what this one has yet to hear.
            if seat.seq < seq:
                seat.seq = seq
                seat.deliver(frame)
        if self.live:
            metrics.DELIVERIES.inc(len(self.live))
            # Two clocks: the difference of two machines may make it less than nothing.
            metrics.DELIVERY_SECONDS.observe(max(0.0, time.time() - message.ts.timestamp()))
        if self._traced:
            traces.record(message, heard, len(self.live))

    def head(self, seq: int, epoch: UUID, known: int) -> None:
        """The database says that the room's newest message has number `seq`; `known` is what was delivered before that.

        Numbers that went back are a backup that was restored, or a standby that took over without the last commits.
        """
        if epoch != self.room.epoch or seq < known:
            self.end(RoomRestarted())
        elif seq > self.seq:
            self.behind(seq)

    def behind(self, target: int) -> None:
        """Number `target` is stored. If it does not come by itself right away, read up to there, once for all seats."""
        self._target = max(self._target, target)
        if self.started and self._filling is None:
            self._filling = asyncio.create_task(self._fill(), name=f"fill-{self.room.name}")
            self._filling.add_done_callback(self._filled)

    async def _fill(self) -> None:
        await asyncio.sleep(REORDER_SECONDS)
        while self.seq < self._target and not self.over:
            target, place = self._target, self.seq
            page = await self.reading.after(place)
            metrics.FILLS.inc()
            for message in page:
                if message.seq > self.seq:
                    self._deliver(message)
            self._take_early()
            if len(page) < PAGE and self.seq < target:
                # Stored, and not there any more.
                self.seq = target

    def _filled(self, task: asyncio.Task[None]) -> None:
        self._filling = None
        if not task.cancelled() and (error := task.exception()) is not None:
            # The head poll comes back to it.
            report(error, "hub.fill_failed", room=self.room.name)
        elif self.seq < self._target and not self.over:
            # Heard of between the end of the work and now.
            self.behind(self._target)

    def end(self, error: Error) -> None:
        """There is nothing more to deliver: everybody is told to leave."""
        self.over = True
        for seat in tuple(self.seats):
            seat.end(error)

    def gone(self) -> None:
        """The room was deleted."""
        self.end(NotFound("Room not found"))

    def close(self) -> None:
        """Nobody is here any more."""
        self.over = True
        for task in (self._filling, self._starting):
            if task is not None:
                task.cancel()
