"""The cursor of keyset pages: where the last page ended, opaque to clients."""

import base64
import struct
from datetime import UTC, datetime, timedelta

from chassis.errors import BadRequest

type Position = tuple[datetime, int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = struct.Struct(">qq")


def encode(position: Position) -> str:
    """The cursor of an article's (created_at, id)."""
    created_at, identifier = position
    packed = _FORM.pack((created_at - _EPOCH) // timedelta(microseconds=1), identifier)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(cursor: str) -> Position:
    """The (created_at, id) in a cursor; raises `BadRequest` for one that nobody was given."""
    try:
        micros, identifier = _FORM.unpack(base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
        return _EPOCH + timedelta(microseconds=micros), identifier
    except (ValueError, OverflowError, struct.error) as error:
        raise BadRequest("Invalid cursor") from error
