"""A member's place in a room: turns hints from the bus into messages in order, each once."""

from rooms.access import RoomAccess
from rooms.messages import PAGE, StoredMessage, catch_up


class Cursor:
    """Everything up to number `seq` of `room` was delivered."""

    def __init__(self, room: RoomAccess, seq: int) -> None:
        self.room = room
        self.seq = seq

    async def accept(self, message: StoredMessage) -> list[StoredMessage]:
        """What to deliver now that `message` was announced: nothing, it alone, or it with what was missed before it.

        Announcements may be lost, repeated or out of order: one that is older is dropped, and a gap is filled from the
        database, up to and including `message`.
        """
        if message.seq <= self.seq:
            return []
        if message.seq == self.seq + 1:
            self.seq = message.seq
            return [message]
        return await self.fill()

    async def fill(self) -> list[StoredMessage]:
        """Everything stored after this place. Where the database fails in the middle the place stays as it was."""
        place, missed = self.seq, []
        while page := await catch_up(self.room, place):
            missed += page
            place = page[-1].seq
            if len(page) < PAGE:
                break
        self.seq = place
        return missed
