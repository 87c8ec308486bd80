"""The frames of the protocol (docs/protocol.md) as Python objects. Unknown types and fields are ignored."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `seq` counts from 1 without holes within the room, `id` is the sender's own."""

    room: str
    seq: int
    id: str
    text: str
    username: str
    ts: datetime


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody in the room, with so many sockets."""

    username: str
    connections: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is here, told on joining: `count` people, and the first of them by name."""

    count: int
    users: tuple[Present, ...]


@dataclass(frozen=True, slots=True)
class UserJoin:
    """Somebody's first socket opened."""

    username: str


@dataclass(frozen=True, slots=True)
class UserLeave:
    """Somebody's last socket is gone."""

    username: str


@dataclass(frozen=True, slots=True)
class Typing:
    """Somebody else is typing."""

    username: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Said by the site to the room; not stored."""

    notice: str


@dataclass(frozen=True, slots=True)
class ResyncRequired:
    """The place that was left does not exist any more: forget what you have, the newest history follows."""

    room: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Synced:
    """History ends here; what follows is live."""

    seq: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The message `id` is stored as number `seq`."""

    id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Failure:
    """An `error` frame; `id` is None where the server could not tell which message it is about."""

    error: str
    code: str
    id: str | None


type Event = Presence | UserJoin | UserLeave | Typing | Notice
type Frame = Message | Event | ResyncRequired | Synced | Ack | Failure


def _presence(data: dict[str, Any]) -> Presence:
    users = tuple(Present(str(user["username"]), int(user["connections"])) for user in data["users"])
    return Presence(int(data["count"]), users)


def _message(data: dict[str, Any]) -> Message:
    ts = datetime.fromisoformat(data["ts"])
    return Message(data["room"], int(data["seq"]), _id(data["id"]), data["message"], data["username"], ts)


def _failure(data: dict[str, Any]) -> Failure:
    return Failure(str(data.get("error")), str(data.get("code")), _id(data["id"]) if data.get("id") else None)


def _id(value: str) -> str:
    return str(UUID(value))


_DECODERS: dict[str, Callable[[dict[str, Any]], Frame]] = {
    "message": _message,
    "presence": _presence,
    "user_join": lambda data: UserJoin(data["username"]),
    "user_leave": lambda data: UserLeave(data["username"]),
    "typing": lambda data: Typing(data["username"]),
    "notice": lambda data: Notice(data["notice"]),
    "resync_required": lambda data: ResyncRequired(data["room"], _id(data["epoch"])),
    "synced": lambda data: Synced(int(data["seq"]), _id(data["epoch"])),
    "ack": lambda data: Ack(_id(data["id"]), int(data["seq"])),
    "error": _failure,
}


def decode(text: str | bytes) -> Frame | None:
    """The frame in `text`; None for one that this version does not know. Raises `ValueError` for one that is broken."""
    data = json.loads(text)
    if not isinstance(data, dict):
        return None
    decoder = _DECODERS.get(str(data.get("type")))
    try:
        return decoder(data) if decoder else None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a {data.get('type')} frame: {type(error).__name__}") from error


def encode_message(text: str, client_id: str) -> str:
    """The frame that sends a message."""
    return json.dumps({"type": "message", "message": text, "id": client_id}, ensure_ascii=False)


TYPING = json.dumps({"type": "typing"})
