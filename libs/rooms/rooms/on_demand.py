"""Rooms that are made when someone opens them (`ROOMS_ON_DEMAND`), and that are removed when they are empty for long.

Whether such a room is in use is said by its row alone, so that no other clock and no Redis is needed to remove it:
opening it marks it as used, and each process marks the rooms that have members there (`rooms.hub`). A mark is renewed
after `access.stale_seconds()`, so it is at most twice as old as that while someone is in the room.

A removal locks the row, and then looks again: what was posted, marked or admitted before is seen, and what comes after
finds no room. So nothing that is acknowledged at that moment is lost: a post is refused, and opening makes a new room.
"""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from chassis.database import fetch_all
from chassis.errors import NotFound, TooManyRequests
from coalescing import SingleFlight
from rooms import access, limits, names
from rooms.access import RoomAccess

BATCH = 100
# Seconds; a room goes when the daily job has run, so there is no better answer.
_FULL_RETRY = 3600

# One statement, so of many who open a name at once one makes its room. Each sees the rooms that are committed, so at
# most one room more than the cap is made for each connection that makes one at that very moment.
_MAKE = """
INSERT INTO rooms_room (name, title, public, last_seq, epoch, removals, on_demand, created_at, used_at)
SELECT %s::text, %s::text, true, 0, gen_random_uuid(), 0, true, clock_timestamp(), clock_timestamp()
WHERE (SELECT count(*) FROM rooms_room WHERE on_demand) < %s::bigint
ON CONFLICT (name) DO NOTHING RETURNING id
"""

_MARK = "UPDATE rooms_room SET used_at = clock_timestamp() WHERE id = %s AND on_demand RETURNING id"

# In the order of their keys and past those that are locked: it never waits for a post, and no post for it.
_MARK_STALE = """
WITH stale AS (
    SELECT id FROM rooms_room
    WHERE id = ANY(%s::bigint[]) AND on_demand AND used_at < clock_timestamp() - make_interval(secs => %s)
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE rooms_room room SET used_at = clock_timestamp() FROM stale WHERE room.id = stale.id
"""

# Numbers are given out in the order of time, so the newest message is the last one.
_EMPTY = """
on_demand AND used_at < clock_timestamp() - make_interval(secs => %(unused)s)
AND NOT EXISTS (SELECT FROM rooms_membership WHERE room_id = room.id)
AND NOT coalesce((SELECT created_at > clock_timestamp() - make_interval(secs => %(quiet)s)
    FROM rooms_message WHERE room_id = room.id ORDER BY seq DESC LIMIT 1), false)
"""
_LOCK = f"SELECT id FROM rooms_room room WHERE {_EMPTY} ORDER BY used_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED"  # noqa: S608 - constant
_REMOVE = f"""
WITH empty AS (SELECT id FROM rooms_room room WHERE id = ANY(%(ids)s) AND {_EMPTY}), messages AS (
    DELETE FROM rooms_message USING empty WHERE room_id = empty.id RETURNING room_id
), rooms AS (
    DELETE FROM rooms_room room USING empty WHERE room.id = empty.id RETURNING room.id
)
SELECT (SELECT count(*) FROM rooms), (SELECT count(*) FROM messages)
"""  # noqa: S608 - constant


class Removed(NamedTuple):
    """How many rooms were removed, and messages with them."""

    rooms: int
    messages: int


async def open_room(name: str, user_id: int | None, address: str) -> RoomAccess:
    """The room `name` for a user, or a guest (None), who opens a socket or a stream in it.

    As `access.enter`; but with `ROOMS_ON_DEMAND` a valid name without a room is made a public one. `address` is the
    client's, as `chassis.addresses.counted` has it. Raises what `access.enter` raises, and `TooManyRequests` if the
    user or the address has had too many rooms made, or if there are `ROOMS_ON_DEMAND_MAX` of them.
    """
    try:
        return await _enter(name, user_id)
    except NotFound:
        guest = user_id is None
        if not settings.ROOMS_ON_DEMAND or not names.valid(name) or (guest and not settings.ALLOW_GUESTS):
            raise
    refused = None
    try:
        await _making.ask((name, user_id, address), partial(_make, name, user_id, address))
    except TooManyRequests as error:
        refused = error
    try:
        # Also after a refusal: another one may have made the room meanwhile.
        return await _enter(name, user_id)
    except NotFound:
        if refused is None:
            raise
        raise refused from None


async def _make(name: str, user_id: int | None, address: str) -> None:
    limits.admit_new_room(address, user_id)
    made = await fetch_all(_MAKE, (name, name, settings.ROOMS_ON_DEMAND_MAX))
    if not made:
        message = f"No room was made: ROOMS_ON_DEMAND_MAX ({settings.ROOMS_ON_DEMAND_MAX}) exist already"
        raise TooManyRequests(message, retry_after=_FULL_RETRY)


# The guests behind one address who open a new name at once make one room, and are counted once.
_making: SingleFlight[tuple[str, int | None, str], None] = SingleFlight()


async def _enter(name: str, user_id: int | None) -> RoomAccess:
    room = await (access.enter_as_guest(name) if user_id is None else access.enter(name, user_id))
    # No row: it was removed between the two statements.
    if room.stale and not await fetch_all(_MARK, (room.id,)):
        raise NotFound("Room not found")
    return room


async def mark_used(room_ids: Iterable[int]) -> None:
    """Note that these rooms have someone in them; nothing for rooms that were not made on demand."""
    if ids := list(room_ids):
        await fetch_all(_MARK_STALE, (ids, access.stale_seconds()))


def remove_empty() -> Removed:
    """Remove the rooms made on demand that have been empty for `ROOMS_ON_DEMAND_EMPTY_SECONDS`, messages included.

    Empty is a room that has no member, has had no socket or stream and no message for that long. Synchronous, for a
    command. Each transaction removes up to `BATCH` rooms; several processes may do this at once.
    """
    period = float(settings.ROOMS_ON_DEMAND_EMPTY_SECONDS)
    conditions = {"unused": period + 2 * access.stale_seconds(), "quiet": period, "batch": BATCH}
    rooms = messages = 0
    found = BATCH
    while found == BATCH:
        with transaction.atomic(), connection.cursor() as cursor:
            # The connection's own bound suits a request. Only rooms that are not used are locked meanwhile.
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(_LOCK, conditions)
            ids = [room_id for (room_id,) in cursor.fetchall()]
            found = len(ids)
            # A second statement: it sees what was committed before the rows were locked.
            cursor.execute(_REMOVE, {**conditions, "ids": ids})
            removed = Removed(*cursor.fetchone())
        rooms, messages = rooms + removed.rooms, messages + removed.messages
    return Removed(rooms, messages)
