"""Where a socket starts in its room's history: `?since=<seq>&epoch=<epoch>`, or with the newest messages."""

import re
from collections.abc import AsyncIterator, Mapping
from enum import Enum
from uuid import UUID

from chassis import database
from rooms.access import RoomAccess
from rooms.cursor import Cursor
from rooms.messages import PAGE, StoredMessage, catch_up, history

NEWEST = 50
_NUMBER = re.compile("[0-9]{1,18}")


class Start(Enum):
    """Places that are not a number: none was asked for, or one that this room never had."""

    NEWEST = "newest"
    LOST = "lost"


def start(query: Mapping[str, str], room: RoomAccess) -> int | Start:
    """The number to go on after; `NEWEST` where the client asked for none, `LOST` where this room never had it."""
    if "since" not in query and "epoch" not in query:
        return Start.NEWEST
    since, epoch = query.get("since", ""), query.get("epoch", "")
    try:
        same_epoch = UUID(epoch) == room.epoch
    except ValueError:
        return Start.LOST
    # A number from the future belongs to an epoch that is gone.
    if not same_epoch or not _NUMBER.fullmatch(since) or int(since) > room.last_seq:
        return Start.LOST
    return int(since)


async def replay(cursor: Cursor, place: int | Start) -> AsyncIterator[list[StoredMessage]]:
    """The stored messages from `place` on, oldest first, a page at a time; `cursor` is where they end.

    A page is a section of its own: no connection is held while it is being sent.
    """
    if isinstance(place, Start):
        async with database.connection():
            newest = await history(cursor.room, limit=NEWEST)
        cursor.seq = newest[-1].seq if newest else cursor.room.last_seq
        yield newest
        return
    cursor.seq = place
    while True:
        async with database.connection():
            page = await catch_up(cursor.room, cursor.seq)
        if page:
            cursor.seq = page[-1].seq
            yield page
        if len(page) < PAGE:
            return
