"""What can go wrong, as exceptions.

ClientError
├── RoomError               the room is over: nothing more comes, and every waiting send fails with it
│   ├── RoomClosed          by `close()`, or because a callback raised (that is its `__cause__`)
│   ├── NotSignedIn         nobody is signed in, and a new ticket did not help
│   ├── Forbidden           not a member of this room
│   ├── NoSuchRoom
│   ├── HandshakeRefused    HTTP 403: this Origin, or this path, is not served
│   └── Unreachable         no connection within `open_timeout`
└── SendError               one message was not stored; the room goes on
    ├── BadMessage          empty, only white space, too long, or not text that can be stored
    ├── TooLarge            longer than a frame may be
    ├── Conflict            the id is in use for another message
    ├── RoomDeleted
    ├── OutboxFull          too many messages wait already; this one was not taken
    └── SendFailed          a defect of the server, or an error that this version does not know
"""

import copy


class ClientError(Exception):
    """The base of all."""


class RoomError(ClientError):
    """The room is over."""

    def again(self) -> "RoomError":
        """The same error to raise at another place: one object that is raised twice grows its traceback."""
        error = copy.copy(self)
        error.__cause__ = self.__cause__
        return error


class RoomClosed(RoomError):
    """The room was closed at this end."""


class NotSignedIn(RoomError):
    """Nobody is signed in (any more), or the ticket is not valid. A ticket source may raise it too."""


class Forbidden(RoomError):
    """Not a member of this room. A ticket source may raise it too."""


class NoSuchRoom(RoomError):
    """There is no such room. A ticket source may raise it too."""


class HandshakeRefused(RoomError):
    """The server answered the handshake with HTTP 403."""


class Unreachable(RoomError):
    """The first connection did not come about in time."""


class SendError(ClientError):
    """The message `id` was not stored."""

    def __init__(self, message: str, id: str) -> None:  # noqa: A002 - the protocol's word
        super().__init__(message)
        self.id = id


class BadMessage(SendError):
    """The server does not store such a message."""


class TooLarge(SendError):
    """The frame would be longer than the server reads."""


class Conflict(SendError):
    """The id is in use for another message."""


class RoomDeleted(SendError):
    """The room was deleted."""


class OutboxFull(SendError):
    """As many messages as may wait do wait."""


class SendFailed(SendError):
    """The server could not tell what went wrong; the same message may be sent again with the same id."""


_BY_CODE: dict[str, type[SendError]] = {
    "bad_request": BadMessage,
    "too_large": TooLarge,
    "conflict": Conflict,
    "not_found": RoomDeleted,
}


def of_frame(code: str, message: str, client_id: str) -> SendError:
    """The exception for an `error` frame."""
    return _BY_CODE.get(code, SendFailed)(message, client_id)
