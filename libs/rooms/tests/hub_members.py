"""What the hub's suite puts into rooms, and how it writes to them."""

import asyncio
import uuid
from collections.abc import Sequence

import msgspec

from chassis import bus
from chassis.errors import Error
from rooms import events, messages, names, senders
from rooms.access import RoomAccess
from rooms.frames import RoomFrame
from rooms.hub import Hub, Seat
from rooms.messages import Posted, StoredMessage
from rooms.senders import Sender
from testing.database import in_scope

SENDER = senders.new_guest()
NEVER = 3600


def encode(frame: RoomFrame) -> bytes:
    """A frame as JSON."""
    return msgspec.json.encode(frame)


def idle_hub(*, poll: float = NEVER, recheck: float = NEVER) -> Hub:
    """A hub that asks PostgreSQL nothing by time, so that the reads of a test can be counted."""
    return Hub(encode, poll=poll, joined=NEVER, recheck=recheck)


def quick_hub(*, recheck: float = NEVER) -> Hub:
    """A hub that asks for heads by time, so often that no test waits for it, and for nothing else."""
    return idle_hub(poll=0.05, recheck=recheck)


class Recorder:
    """A member that keeps all it is given; `seqs` are the numbers of its messages."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.frames: list[bytes] = []
        self.events: list[str] = []
        self.removal: Error | None = None

    def message(self, frame: bytes) -> None:
        """Keep it."""
        self.frames.append(frame)
        self.seqs.append(msgspec.json.decode(frame)["seq"])

    def event(self, event: bus.Event, frame: bytes) -> None:
        """Keep its name."""
        self.events.append(event.name)

    def removed(self, error: Error) -> None:
        """Keep the reason."""
        self.removal = error

    async def read(self, seat: Seat, since: int | None = 0) -> None:
        """Read up to where it is live, with pauses as over a network."""
        async for frame in seat.catch_up(since):
            self.message(frame)
            await asyncio.sleep(0)
        seat.release()


async def member(hub: Hub, room: RoomAccess, since: int | None = 0) -> tuple[Recorder, Seat]:
    """A member of the room that is live."""
    recorder = Recorder()
    seat = await hub.join(room, recorder)
    await recorder.read(seat, since)
    return recorder, seat


async def post(room: RoomAccess, sender: Sender = SENDER, client_id: uuid.UUID | None = None) -> Posted:
    """The outcome of a post that nobody is told of."""
    return await in_scope(messages.post(room, sender, client_id or uuid.uuid4(), "hi"))


async def store(room: RoomAccess, count: int = 1) -> list[StoredMessage]:
    """Messages that nobody is told of."""

    async def work() -> list[StoredMessage]:
        return [(await messages.post(room, SENDER, uuid.uuid4(), "hi")).message for _ in range(count)]

    return await in_scope(work())


async def announce(stored: Sequence[StoredMessage]) -> None:
    """Tell everybody of each, in this order."""
    for message in stored:
        event = bus.Event(events.MESSAGE, msgspec.to_builtins(message))
        assert await bus.publish(names.group(message.room), event)
