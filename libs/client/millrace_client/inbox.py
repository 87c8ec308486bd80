"""Messages between the socket and whoever reads them: in order, each once, and not without end."""

import asyncio
import contextlib
from dataclasses import dataclass

from millrace_client.frames import Message, ResyncRequired

# How long the socket waits for a reader before messages are left to be fetched again.
PATIENCE = 1.0


class Gap(Exception):
    """A number is missing, which the server promises not to happen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a room was read. Store it, and give it to the next `Room`, to go on from there."""

    epoch: str
    seq: int


# What came, if anything, and the place after it.
type Item = tuple[Message | ResyncRequired | None, Place | None]


class Inbox:
    """Holds up to `size` messages. `received` is the place to resume from; what was read is the reader's to know."""

    def __init__(self, received: Place | None, size: int) -> None:
        self.received = received
        self._size = size
        self._items: asyncio.Queue[Item | None] = asyncio.Queue()
        self._roomy = asyncio.Event()
        self._drained = asyncio.Event()
        self.behind = False

    async def offer(self, message: Message, epoch: str) -> None:
        """Take `message` if it is the next one, and drop it if it was there before; raises `Gap`.

        Without a reader the socket must go on, for acknowledgements come by it too: after a moment messages are
        dropped, `behind` is set, and the connection is to be renewed once the reader has `caught_up`.
        """
        if self.received is not None and message.seq <= self.received.seq:
            return
        if self.received is not None and message.seq != self.received.seq + 1 and not self.behind:
            raise Gap(f"{message.seq} after {self.received.seq}")
        if self.behind or not await self._has_room():
            self.behind = True
            self._drained.clear()
            return
        self.received = Place(epoch, message.seq)
        self._items.put_nowait((message, self.received))

    async def _has_room(self) -> bool:
        if self._items.qsize() >= self._size:
            self._roomy.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._roomy.wait()
        return self._items.qsize() < self._size

    def forget(self, resync: ResyncRequired) -> None:
        """The messages after this are new, whatever their numbers."""
        self.received = None
        self._items.put_nowait((resync, None))

    def start(self, place: Place) -> None:
        """Where a room begins that brought no message."""
        if self.received is None:
            self.received = place
            self._items.put_nowait((None, place))

    def renewed(self) -> None:
        """A new connection brings what was dropped."""
        self.behind = False

    async def caught_up(self) -> None:
        """Waits until messages were dropped and the reader has read all others."""
        while not (self.behind and self._items.empty()):
            self._drained.clear()
            await self._drained.wait()

    async def get(self) -> Item | None:
        """The next of what came with the place after it; None, again and again, after the end."""
        item = await self._items.get()
        if item is None:
            self._items.put_nowait(None)
        self._roomy.set()
        if self._items.empty():
            self._drained.set()
        return item

    def end(self) -> None:
        """No more will come."""
        self._items.put_nowait(None)
