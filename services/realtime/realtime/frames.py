"""The frames of the protocol, as types: docs/protocol.md in code.

Decoding ignores unknown fields; an unknown `type` is the caller's error. Both sides' `type` is the tag of a struct.
"""

from uuid import UUID

import msgspec

from chassis import errors
from rooms.access import RoomAccess
from rooms.frames import Message, Notice, Typing, UserJoin, UserLeave
from rooms.presence import Present

# Longer frames are refused with an error; the server itself drops a client that sends four times as much.
MAX_BYTES = 16 * 1024
HARD_MAX_BYTES = 4 * MAX_BYTES


class Post(msgspec.Struct, tag="message"):
    """Store a message; without an `id` the server makes one, and a lost acknowledgement cannot be asked for again."""

    message: str
    id: UUID | None = None


class StartedTyping(msgspec.Struct, tag="typing"):
    """The client's user is typing."""


class Ping(msgspec.Struct, tag="ping"):
    """For clients, like browsers, that cannot send the protocol's own ping."""


class Authenticate(msgspec.Struct, tag="auth"):
    """The first frame of a socket opened with `?auth=ticket`."""

    ticket: str


ClientFrame = Post | StartedTyping | Ping | Authenticate


class _Head(msgspec.Struct):
    type: str = "message"


_HEAD = msgspec.json.Decoder(_Head)
_DECODERS: dict[str, msgspec.json.Decoder[ClientFrame]] = {
    "message": msgspec.json.Decoder(Post),
    "typing": msgspec.json.Decoder(StartedTyping),
    "ping": msgspec.json.Decoder(Ping),
    "auth": msgspec.json.Decoder(Authenticate),
}


def decode(text: str) -> ClientFrame:
    """The frame in `text`; raises `PayloadTooLarge` or `BadRequest` with words for the client."""
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise errors.PayloadTooLarge(f"Frame is longer than {MAX_BYTES} bytes")
    try:
        decoder = _DECODERS.get(_HEAD.decode(text).type)
        if decoder is None:
            raise errors.BadRequest("Unknown type")
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise errors.BadRequest(f"Bad frame: {error}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise errors.BadRequest("Bad JSON") from None


class _Named(msgspec.Struct):
    id: UUID | None = None


_NAMED = msgspec.json.Decoder(_Named)


def client_id(text: str | None) -> UUID | None:
    """The `id` of a frame that was refused, where one can be read."""
    try:
        return _NAMED.decode(text or "").id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


class Ack(msgspec.Struct, tag="ack"):
    """To the sender: the message `id` is committed as number `seq`."""

    id: UUID
    seq: int


class Presence(msgspec.Struct, tag="presence"):
    """Who is here: `count` people, and the first of them by name."""

    count: int
    users: list[Present]


class Pong(msgspec.Struct, tag="pong"):
    """The answer to `ping`."""


class Synced(msgspec.Struct, tag="synced"):
    """History ends here; what follows is live. `seq` and `epoch` are what to resume with."""

    room: str
    seq: int
    epoch: UUID


class ResyncRequired(msgspec.Struct, tag="resync_required"):
    """The place asked for does not exist here: forget what you have, the newest history follows."""

    room: str
    epoch: UUID


class ErrorFrame(msgspec.Struct, tag="error", omit_defaults=True):
    """Something was not done; `code` is for programs, `id` that of the message it is about."""

    error: str
    code: str
    id: UUID | None = None


ServerFrame = (
    Message | Ack | UserJoin | UserLeave | Presence | Typing | Notice | Pong | Synced | ResyncRequired | ErrorFrame
)

_CODES = {400: "bad_request", 404: "not_found", 409: "conflict", 413: "too_large", 429: "too_fast", 503: "unavailable"}
_encoder = msgspec.json.Encoder()


def encode(frame: ServerFrame) -> bytes:
    """The JSON of a frame, as UTF-8."""
    return _encoder.encode(frame)


def of_error(error: errors.Error, client_id: UUID | None) -> ErrorFrame:
    """An error as a frame."""
    return ErrorFrame(error.message, _CODES.get(error.status, "internal"), client_id)


def of_synced(room: RoomAccess, seq: int) -> Synced:
    """The end of history."""
    return Synced(room.name, seq, room.epoch)
