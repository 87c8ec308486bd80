"""Rooms in the database."""

from api.rooms.schemas import HistoryQuery, RoomOut
from chassis.database import fetch_all
from coalescing import SingleFlight
from rooms import messages
from rooms.access import RoomAccess
from rooms.messages import StoredMessage

_reads: SingleFlight[object, list[StoredMessage]] = SingleFlight()


async def readable_by(user_id: int | None) -> list[RoomOut]:
    """Every public room and every room that the user (None: a guest) is a member of, by name, in one query."""
    rows = await fetch_all(
        "SELECT name, title, public, last_seq FROM rooms_room room WHERE public OR EXISTS ("
        "SELECT 1 FROM rooms_membership WHERE room_id = room.id AND user_id = %s) ORDER BY name",
        (user_id,),
    )
    return [RoomOut(*row) for row in rows]


async def history_of(room: RoomAccess, query: HistoryQuery) -> list[StoredMessage]:
    """The messages that `query` asks for. All who ask for the same at the same time share one query.

    The room's head is part of what is the same: whoever knows of a message never gets an answer from before it.
    """

    async def read() -> list[StoredMessage]:
        if query.after is not None:
            return await messages.catch_up(room, query.after, query.limit)
        return await messages.history(room, query.before, query.limit)

    return await _reads.ask((room.id, room.epoch, room.last_seq, query.after, query.before, query.limit), read)
