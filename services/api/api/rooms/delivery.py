"""This process's hub: rooms with streams here, each message made an event once for all of them."""

import msgspec

from rooms.frames import Message, RoomFrame
from rooms.hub import Hub


def encode(frame: RoomFrame) -> bytes:
    """A frame as a Server-Sent Event."""
    return event(frame.__struct_config__.tag, frame, frame.seq if isinstance(frame, Message) else None)


def event(name: object, data: object, seq: int | None = None) -> bytes:
    """An event whose data is JSON; `seq` is its id, with which a client resumes."""
    identifier = b"" if seq is None else b"id: %d\n" % seq
    # JSON has no raw newline, so one data line is always enough.
    return b"%sevent: %s\ndata: %s\n\n" % (identifier, str(name).encode(), msgspec.json.encode(data))


hub = Hub(encode)
