"""Who may read and write a room."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from chassis.database import fetch_all
from chassis.errors import Forbidden, NotFound, Unauthorized
from coalescing import Batcher
from rooms import names


@dataclass(frozen=True, slots=True)
class RoomAccess:
    """A room as somebody who may use it sees it."""

    id: int
    name: str
    title: str
    public: bool
    last_seq: int
    epoch: uuid.UUID
    # Made on demand, and not marked as used for a while: opening it marks it (`rooms.on_demand`).
    stale: bool = False


def stale_seconds() -> float:
    """Seconds after which a room made on demand is marked as used again: short beside the time that it may be empty."""
    return float(settings.ROOMS_ON_DEMAND_EMPTY_SECONDS) / 48


async def enter(name: str, user_id: int | None) -> RoomAccess:
    """The room `name` for a user, or for a guest (None), in one query.

    Raises `NotFound`, `Unauthorized` (a guest where guests are not admitted) or `Forbidden` (not a member).
    """
    if not names.valid(name):
        raise NotFound("Room not found")
    rows = await fetch_all(
        "SELECT room.id, name, title, public, last_seq, epoch,"
        " on_demand AND used_at < clock_timestamp() - make_interval(secs => %s), membership.id IS NOT NULL"
        " FROM rooms_room room"
        " LEFT JOIN rooms_membership membership ON membership.room_id = room.id AND membership.user_id = %s"
        " WHERE name = %s",
        (stale_seconds(), user_id, name),
    )
    if not rows:
        raise NotFound("Room not found")
    *fields, member = rows[0]
    room = RoomAccess(*fields)
    if user_id is None and not (settings.ALLOW_GUESTS and room.public):
        raise Unauthorized
    if not room.public and not member:
        raise Forbidden("Not a member of this room")
    return room


async def enter_as_guest(name: str) -> RoomAccess:
    """As `enter` for a guest; a thousand who come at once share a few queries, each later than all it answers."""
    return await _guests.load(name, None)


async def _enter(name: str, guests: Sequence[None]) -> list[RoomAccess]:
    return [await enter(name, None)] * len(guests)


_guests: Batcher[None, RoomAccess] = Batcher(_enter)
