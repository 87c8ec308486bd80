"""Post a message, and read messages back: the only two ways in and out of the table."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import IntegrityError

from chassis.database import fetch_all
from chassis.errors import BadRequest, Conflict, NotFound
from rooms.access import RoomAccess
from rooms.senders import Sender

MAX_BYTES = 4096
PAGE = 200


class StoredMessage(msgspec.Struct, frozen=True):
    """A message as clients see it; `seq` counts from 1 without gaps within `room`, `id` is the client's own."""

    room: str
    seq: int
    id: uuid.UUID
    message: str
    username: str
    ts: datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """The outcome of a post; `created` is False where the same post had been stored before.

    `started` and `stored` are when this process began and when it had the answer, in seconds since 1970.
    """

    message: StoredMessage
    created: bool
    started: float
    stored: float


def check_body(body: str) -> str:
    """`body` if it may be stored; raises `BadRequest`."""
    if not body.strip():
        raise BadRequest("Message is empty")
    if len(body.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadRequest(f"Message is longer than {MAX_BYTES} bytes")
    # PostgreSQL stores neither; a lone surrogate is what JSON's \ud800 decodes to.
    if "\x00" in body or any("\ud800" <= char <= "\udfff" for char in body):
        raise BadRequest("Message has characters that cannot be stored")
    return body


# One statement is one transaction and one round trip. The UPDATE takes the room's row lock, so numbers are given out in
# commit order; a repeated client id fails the INSERT and takes the number back with it.
_POST = """
WITH head AS (
    UPDATE rooms_room SET last_seq = last_seq + 1 WHERE id = %s RETURNING id, last_seq
)
INSERT INTO rooms_message (room_id, seq, sender, username, user_id, client_id, body, created_at)
SELECT id, last_seq, %s, %s, %s, %s, %s, clock_timestamp() FROM head
RETURNING seq, created_at
"""

_COLUMNS = "seq, client_id, body, username, created_at"


async def post(room: RoomAccess, sender: Sender, client_id: uuid.UUID, body: str) -> Posted:
    """Store `body` as the room's next message, once for each (room, sender, client_id).

    The same id again returns what is stored; with another body it raises `Conflict`. When this returns the message is
    committed. When it raises a database error the outcome is unknown: the caller acknowledges nothing, and the sender
    repeats the post with the same id.
    """
    check_body(body)
    started = time.time()
    try:
        rows = await fetch_all(_POST, (room.id, sender.key, sender.username, sender.user_id, client_id, body))
    except IntegrityError:
        return Posted(await _stored(room, sender, client_id, body), False, started, time.time())
    if not rows:
        raise NotFound("Room not found")
    seq, created_at = rows[0]
    message = StoredMessage(room.name, seq, client_id, body, sender.username, created_at)
    return Posted(message, True, started, time.time())


async def _stored(room: RoomAccess, sender: Sender, client_id: uuid.UUID, body: str) -> StoredMessage:
    rows = await fetch_all(
        f"SELECT {_COLUMNS} FROM rooms_message WHERE room_id = %s AND sender = %s AND client_id = %s",  # noqa: S608 - constant
        (room.id, sender.key, client_id),
    )
    if not rows:
        raise NotFound("Room not found")
    stored = _messages(room.name, rows)[0]
    if stored.message != body:
        raise Conflict("This id was used for another message")
    return stored


async def catch_up(room: RoomAccess, after: int, limit: int = PAGE) -> list[StoredMessage]:
    """Up to `limit` messages that follow number `after`, oldest first."""
    rows = await fetch_all(
        f"SELECT {_COLUMNS} FROM rooms_message WHERE room_id = %s AND seq > %s ORDER BY seq LIMIT %s",  # noqa: S608 - constant
        (room.id, after, limit),
    )
    return _messages(room.name, rows)


async def history(room: RoomAccess, before: int | None = None, limit: int = PAGE) -> list[StoredMessage]:
    """The newest `limit` messages, or those just below number `before`; oldest first."""
    rows = await fetch_all(
        f"SELECT {_COLUMNS} FROM rooms_message WHERE room_id = %s AND seq < %s ORDER BY seq DESC LIMIT %s",  # noqa: S608 - constant
        (room.id, before if before is not None else 2**63 - 1, limit),
    )
    return _messages(room.name, rows[::-1])


def _messages(room: str, rows: Sequence[tuple[Any, ...]]) -> list[StoredMessage]:
    return [StoredMessage(room, *row) for row in rows]
