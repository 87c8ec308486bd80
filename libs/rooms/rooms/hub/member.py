"""What a room's members are to the hub, and what ends their stay."""

from typing import Protocol

from chassis import bus
from chassis.errors import Error, Gone
from rooms.frames import RoomFrame


class RoomRestarted(Gone):
    """The room's numbers started over: a backup was restored. Come back, and forget what you have."""

    message = "The room started over"


class Member(Protocol):
    """A socket or a stream. None of these waits or raises: a member that cannot keep up ends by itself.

    A frame is what the hub's `encode` made of it, the same object for all members.
    """

    def message(self, frame: bytes) -> None:
        """The room's next message."""

    def event(self, event: bus.Event, frame: bytes) -> None:
        """Something else happened in the room."""

    def removed(self, error: Error) -> None:
        """Nothing more comes, and what has not been read yet is not the member's to read any more.

        The room is gone (`NotFound`) or started over (`RoomRestarted`); or the member has to leave it: they are not
        signed in (`Unauthorized`) or not a member (`Forbidden`) any more.
        """


class Encode(Protocol):
    """Makes what is written to a member; called once a frame and process."""

    def __call__(self, frame: RoomFrame) -> bytes:
        """The bytes of a frame."""
