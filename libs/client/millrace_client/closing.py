"""What to do after a connection has ended, by its close code (the table in docs/protocol.md)."""

from websockets.exceptions import InvalidStatus

from millrace_client.errors import Forbidden, HandshakeRefused, NoSuchRoom, RoomError

SERVICE_RESTART = 1012
NOT_SIGNED_IN = 4001
ROOM_RESTARTED = 4010
TOO_SLOW = 4013
EXPIRED = 4016

# No code came: the connection broke, or this end gave it up.
ABNORMAL = 1006

# Every other code, known (4008, 4011, 4012, 4029, 1001, 1002, 1007, 1009) or not, is like none at all: come back with a
# growing delay.
AT_ONCE = frozenset({SERVICE_RESTART, ROOM_RESTARTED, TOO_SLOW, EXPIRED})

_FINAL: dict[int, tuple[type[RoomError], str]] = {
    4003: (Forbidden, "Not a member of this room"),
    4004: (NoSuchRoom, "There is no such room"),
}
_FORBIDDEN, _UNAVAILABLE = 403, 503


def final_error(code: int) -> RoomError | None:
    """The error that ends the room; None where it is worth coming back."""
    if code not in _FINAL:
        return None
    kind, message = _FINAL[code]
    return kind(message)


def at_once_after_handshake(error: InvalidStatus) -> bool:
    """True if the server that refused is about to end, so that another will answer. Raises `HandshakeRefused`."""
    status = error.response.status_code
    if status == _FORBIDDEN:
        raise HandshakeRefused("HTTP 403: this Origin, or this path, is not served") from error
    return status == _UNAVAILABLE
