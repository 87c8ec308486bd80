"""What a feed reads from PostgreSQL, each page at most once at a time for all who want it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from chassis import database
from chassis.errors import NotFound
from rooms import frames
from rooms.access import RoomAccess
from rooms.hub import metrics
from rooms.hub.member import Encode, RoomRestarted
from rooms.hub.tail import Numbered
from rooms.messages import PAGE, StoredMessage, catch_up, history

type _Read = Callable[[], Coroutine[Any, Any, list[StoredMessage]]]


@dataclass(frozen=True, slots=True)
class Page:
    """Messages up to number `head`, which is what the feed had delivered when this was asked for."""

    messages: list[Numbered]
    head: int
    full: bool

    @property
    def complete(self) -> int:
        """The number up to which nothing is missing; what is missing nevertheless was deleted."""
        return self.messages[-1][0] if self.full and self.messages else self.head


@dataclass(frozen=True, slots=True)
class _Shared:
    head: int
    task: asyncio.Task[list[Numbered]]


class Reading:
    """Reads one room; `gate` bounds how many connections all rooms of the process use for it at once."""

    def __init__(self, room: RoomAccess, encode: Encode, gate: asyncio.Semaphore) -> None:
        self._room = room
        self._encode = encode
        self._gate = gate
        self._under_way: dict[object, _Shared] = {}

    async def head(self) -> int:
        """The number of the newest message; raises `NotFound` or `RoomRestarted` where the room is another now."""
        async with self._gate:
            rows = await database.fetch_all("SELECT last_seq, epoch FROM rooms_room WHERE id = %s", (self._room.id,))
        if not rows:
            raise NotFound("Room not found")
        seq, epoch = rows[0]
        if epoch != self._room.epoch:
            raise RoomRestarted
        return int(seq)

    async def after(self, seq: int) -> list[StoredMessage]:
        """A page (at most `PAGE`) of what follows number `seq`, oldest first."""
        async with self._gate:
            return await catch_up(self._room, seq)

    async def newest(self, count: int) -> list[StoredMessage]:
        """The newest `count`, oldest first."""
        async with self._gate:
            return await history(self._room, limit=count)

    async def page_after(self, seq: int, head: int) -> Page:
        """What follows number `seq`. Whoever asks while the same page is being read gets that one, with its `head`."""
        return await self._shared(seq, head, lambda: self.after(seq))

    async def newest_page(self, count: int, head: int) -> Page:
        """The newest `count`, shared like `page_after`."""
        return await self._shared(("newest", count), head, lambda: self.newest(count))

    async def _shared(self, key: object, head: int, read: _Read) -> Page:
        shared = self._under_way.get(key)
        if shared is None:
            shared = self._under_way[key] = _Shared(head, asyncio.create_task(self._encoded(read)))
            shared.task.add_done_callback(lambda _: self._under_way.pop(key))
        numbered = await asyncio.shield(shared.task)
        return Page([each for each in numbered if each[0] <= shared.head], shared.head, full=len(numbered) >= PAGE)

    async def _encoded(self, read: _Read) -> list[Numbered]:
        metrics.REPLAYS.labels("database").inc()
        return [(message.seq, self._encode(frames.of_message(message))) for message in await read()]
