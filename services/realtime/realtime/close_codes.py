"""Every code that this service closes a socket with.

All are our own (4000-4999): a browser cannot read an HTTP status of a failed handshake, so what goes wrong while
joining is said by accepting and closing. Of the standard codes daphne passes only 1000; docs/protocol.md also names
those that a client sees from the server itself.
"""

from enum import IntEnum
from typing import Self

from chassis.errors import Error

# On drain; only the server itself can send it.
SERVICE_RESTART = 1012


class CloseCode(IntEnum):
    """A code and what a client should do about it."""

    description: str

    def __new__(cls, code: int, description: str) -> Self:
        """A member that is its code and knows its description."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.description = description
        return member

    NOT_SIGNED_IN = (
        4001,
        "Nobody is signed in (any more), or the ticket is not valid, or none came in time. Sign in, then reconnect.",
    )
    FORBIDDEN = 4003, "You are not a member of this room. Do not reconnect."
    NO_SUCH_ROOM = 4004, "There is no such room. Do not reconnect."
    TOO_FAST = (
        4008,
        "You kept sending after many `too_fast` errors, or opened too many new rooms. Slow down, then reconnect.",
    )
    ROOM_RESTARTED = (
        4010,
        "The numbers of this room started over. Reconnect at once, with `since`: `resync_required` follows.",
    )
    INTERNAL_ERROR = 4011, "Something went wrong here. Reconnect with a growing delay."
    UNAVAILABLE = 4012, "A dependency is down. Reconnect with a growing delay."
    TOO_SLOW = 4013, "You did not read what was sent. Reconnect at once, with `since`."
    EXPIRED = 4016, "The socket was as old as one may be. Reconnect at once, with `since`."
    TOO_MANY_SOCKETS = 4029, "You have too many sockets open. Close one before you reconnect."


_BY_STATUS = {
    401: CloseCode.NOT_SIGNED_IN,
    403: CloseCode.FORBIDDEN,
    404: CloseCode.NO_SUCH_ROOM,
    410: CloseCode.ROOM_RESTARTED,
    429: CloseCode.TOO_FAST,
    503: CloseCode.UNAVAILABLE,
}


def close_code(error: Error) -> CloseCode:
    """The code for an error that ends a socket."""
    return _BY_STATUS.get(error.status, CloseCode.INTERNAL_ERROR)
