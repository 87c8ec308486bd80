"""What happens in a room, as events on the bus; the names and data here are a contract between releases."""

import msgspec

from chassis import bus
from rooms import names
from rooms.messages import StoredMessage
from rooms.senders import Sender

MESSAGE = "room.message"
NOTICE = "room.notice"
JOINED = "room.joined"
LEFT = "room.left"
TYPING = "room.typing"
MEMBER_REMOVED = "room.member_removed"


def announce_message(message: StoredMessage, origin: msgspec.Struct | None = None) -> None:
    """Tell everybody that `message` is stored. A hint: whoever misses it reads the message from PostgreSQL.

    `origin` is of no use but for a trace (`rooms.hub.traces`).
    """
    data = msgspec.to_builtins(message)
    if origin is not None:
        data["origin"] = msgspec.to_builtins(origin)
    bus.publish_soon(names.group(message.room), bus.Event(MESSAGE, data))


def announce(room: str, name: str, sender: Sender) -> None:
    """Tell the room that `sender` did something (`JOINED`, `LEFT` or `TYPING`)."""
    bus.publish_soon(names.group(room), bus.Event(name, {"username": sender.username}))


async def notify(room: str, notice: str) -> bool:
    """Send a notice, which is not stored, to the room's members; True if Redis took it."""
    return await bus.publish(names.group(room), bus.Event(NOTICE, {"notice": notice}))


def announce_removal(room: str, user_id: int) -> None:
    """Tell that a membership was taken. A hint: whoever misses it finds out when it asks PostgreSQL."""
    bus.publish_soon(names.group(room), bus.Event(MEMBER_REMOVED, {"user_id": user_id}))


def removed_of(event: bus.Event) -> int:
    """The id of the user in a `MEMBER_REMOVED` event; raises `msgspec.ValidationError` for data of another shape."""
    return msgspec.convert(event.data.get("user_id"), int)


def message_of(event: bus.Event) -> StoredMessage:
    """The message in a `MESSAGE` event; raises `msgspec.ValidationError` for data of another shape."""
    return msgspec.convert(event.data, StoredMessage)
