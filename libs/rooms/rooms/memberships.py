"""Who is admitted to rooms that are not public: list, admit, remove."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import IntegrityError

from chassis.database import fetch_all
from chassis.errors import NotFound
from rooms.access import RoomAccess

PAGE = 200


class Member(msgspec.Struct, frozen=True):
    """A member, and since when they are one."""

    username: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    """A user who is no member of a room (any more)."""

    room_id: int
    user_id: int


_NAMED = """
WITH room AS (SELECT id FROM rooms_room WHERE name = %s), person AS (SELECT id FROM accounts_user WHERE username = %s)
"""

_ADD = f"""{_NAMED}, added AS (
    INSERT INTO rooms_membership (room_id, user_id, created_at)
    SELECT room.id, person.id, clock_timestamp() FROM room, person ON CONFLICT DO NOTHING RETURNING id
)
SELECT (SELECT id FROM room), (SELECT id FROM person), EXISTS (SELECT FROM added)
"""  # noqa: S608 - constant

# The removal and its count in one transaction: a process that polls rooms without Redis must not miss it.
_REMOVE = f"""{_NAMED}, removed AS (
    DELETE FROM rooms_membership USING room, person
    WHERE room_id = room.id AND user_id = person.id RETURNING room_id
), counted AS (
    UPDATE rooms_room SET removals = removals + 1 WHERE id IN (SELECT room_id FROM removed)
)
SELECT (SELECT id FROM room), (SELECT id FROM person)
"""  # noqa: S608 - constant


async def page_of(room: RoomAccess, after: str = "", limit: int = PAGE) -> list[Member]:
    """Up to `limit` members of `room` by name, those that follow the name `after`."""
    rows = await fetch_all(
        "SELECT username, membership.created_at FROM rooms_membership membership"
        " JOIN accounts_user person ON person.id = membership.user_id"
        " WHERE room_id = %s AND username > %s ORDER BY username LIMIT %s",
        (room.id, after, limit),
    )
    return [Member(*row) for row in rows]


async def add(room: str, username: str) -> bool:
    """Make the user a member; True if they were none. Raises `NotFound` where there is no such room or user."""
    try:
        rows = await fetch_all(_ADD, (room, username))
    except IntegrityError as error:
        # One of the two was deleted at this very moment.
        raise NotFound from error
    room_id, user_id, added = rows[0]
    _found(room_id, user_id)
    return bool(added)


async def remove(room: str, username: str) -> Removed:
    """End the membership, if there is one. Raises `NotFound` where there is no such room or user.

    It is committed when this returns; `Hub.member_removed` then has those go who are in the room.
    """
    room_id, user_id = (await fetch_all(_REMOVE, (room, username)))[0]
    return Removed(*_found(room_id, user_id))


def _found(room_id: int | None, user_id: int | None) -> tuple[int, int]:
    if room_id is None:
        raise NotFound("Room not found")
    if user_id is None:
        raise NotFound("User not found")
    return room_id, user_id
