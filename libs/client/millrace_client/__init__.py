"""A client of the chat (docs/protocol.md): reconnects, resumes, and delivers each message once and in order.

`Room` is all there is to use; its docstring says what it promises, `errors` what can go wrong.
"""

from millrace_client import errors
from millrace_client.door import TicketSource
from millrace_client.errors import (
    BadMessage,
    ClientError,
    Conflict,
    Forbidden,
    HandshakeRefused,
    NoSuchRoom,
    NotSignedIn,
    OutboxFull,
    RoomClosed,
    RoomDeleted,
    RoomError,
    SendError,
    SendFailed,
    TooLarge,
    Unreachable,
)
from millrace_client.frames import (
    Event,
    Message,
    Notice,
    Presence,
    Present,
    ResyncRequired,
    Typing,
    UserJoin,
    UserLeave,
)
from millrace_client.inbox import Place
from millrace_client.pacing import Backoff
from millrace_client.room import Room
from millrace_client.tickets import tickets

__all__ = [
    "Backoff",
    "BadMessage",
    "ClientError",
    "Conflict",
    "Event",
    "Forbidden",
    "HandshakeRefused",
    "Message",
    "NoSuchRoom",
    "NotSignedIn",
    "Notice",
    "OutboxFull",
    "Place",
    "Presence",
    "Present",
    "ResyncRequired",
    "Room",
    "RoomClosed",
    "RoomDeleted",
    "RoomError",
    "SendError",
    "SendFailed",
    "TicketSource",
    "TooLarge",
    "Typing",
    "Unreachable",
    "UserJoin",
    "UserLeave",
    "errors",
    "tickets",
]
