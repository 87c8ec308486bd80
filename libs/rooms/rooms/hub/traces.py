"""The way of single messages, for the demo's pictures: when each step of it was done, by whose clock.

Kept where `DEMO` is set, of public rooms only, the newest few in the memory of each process that delivers. Whoever
posts a message sends its own times along with the announcement, so the process that delivers knows the whole way.
"""

import time
from collections import deque

import msgspec
from django.conf import settings

from chassis import bus
from rooms.access import RoomAccess
from rooms.messages import Posted, StoredMessage

KEPT = 50


class Origin(msgspec.Struct, frozen=True):
    """Who posted a message: the process's name, when it began to, and when PostgreSQL had committed (seconds)."""

    by: str
    started: float
    stored: float


class Heard(msgspec.Struct, frozen=True):
    """How a process came to know of a message that nobody had to look for, and when (seconds)."""

    at: float
    over_redis: bool
    origin: Origin | None


class Trace(msgspec.Struct, frozen=True):
    """A message's way to the members that one process has; times in seconds since 1970.

    `way` is `redis` for an announcement, `own` where the process posted it itself, and `fill` where no announcement
    brought it and it was read from PostgreSQL. `posted` is when PostgreSQL stamped it.
    """

    room: str
    seq: int
    posted: float
    way: str
    origin: Origin | None
    heard: float | None
    delivered: float
    members: int


recent: deque[Trace] = deque(maxlen=KEPT)


def kept(room: RoomAccess) -> bool:
    """Whether this room's messages are traced."""
    return bool(settings.DEMO) and room.public


def origin(room: RoomAccess, posted: Posted) -> Origin | None:
    """What is sent along with the announcement of a message; None where it is not traced, or was stored before."""
    if posted.created and kept(room):
        return Origin(settings.SERVICE, posted.started, posted.stored)
    return None


def heard_of(event: bus.Event) -> Heard:
    """An announcement came from the bus; raises `msgspec.ValidationError` for data of another shape."""
    return Heard(time.time(), over_redis=True, origin=msgspec.convert(event.data.get("origin"), Origin | None))


def record(message: StoredMessage, heard: Heard | None, members: int) -> None:
    """`message` was handed to so many members of this process just now."""
    way = "fill" if heard is None else "redis" if heard.over_redis else "own"
    origin, at = (heard.origin, heard.at) if heard else (None, None)
    recent.append(Trace(message.room, message.seq, message.ts.timestamp(), way, origin, at, time.time(), members))
