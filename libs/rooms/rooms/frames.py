"""The frames that everybody in a room gets, by WebSocket and by Server-Sent Events alike: docs/protocol.md in code."""

from datetime import datetime
from uuid import UUID

import msgspec

from chassis import bus
from rooms import events
from rooms.messages import StoredMessage


class Message(msgspec.Struct, tag="message"):
    """A stored message; `ts` is UTC in ISO 8601."""

    room: str
    seq: int
    id: UUID
    message: str
    username: str
    ts: datetime


class UserJoin(msgspec.Struct, tag="user_join"):
    """Somebody's first socket in the room opened."""

    username: str


class UserLeave(msgspec.Struct, tag="user_leave"):
    """Somebody's last socket in the room is gone."""

    username: str


class Typing(msgspec.Struct, tag="typing"):
    """Somebody else is typing."""

    username: str


class Notice(msgspec.Struct, tag="notice"):
    """Said by the site to the room; not stored."""

    notice: str


type Happening = UserJoin | UserLeave | Typing | Notice
type RoomFrame = Message | Happening

_OF_EVENT: dict[str, type[UserJoin | UserLeave | Typing | Notice]] = {
    events.JOINED: UserJoin,
    events.LEFT: UserLeave,
    events.TYPING: Typing,
    events.NOTICE: Notice,
}


def of_message(message: StoredMessage) -> Message:
    """A stored message as a frame."""
    return Message(message.room, message.seq, message.id, message.message, message.username, message.ts)


def of_event(event: bus.Event) -> Happening | None:
    """The frame that tells of an event; None for one that is not told. Raises `msgspec.ValidationError`."""
    kind = _OF_EVENT.get(event.name)
    return msgspec.convert(dict(event.data), kind) if kind else None
