"""This process's hub: rooms with sockets here, each message framed once for all of them."""

from realtime import frames, wire
from rooms.frames import RoomFrame
from rooms.hub import Hub


def encode(frame: RoomFrame) -> bytes:
    """The WebSocket message of a frame."""
    return wire.text(frames.encode(frame))


hub = Hub(encode)
