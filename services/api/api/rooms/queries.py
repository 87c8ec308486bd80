"""Rooms in the database."""

from api.rooms.schemas import RoomOut
from chassis.database import fetch_all


async def readable_by(user_id: int) -> list[RoomOut]:
    """Every public room and every room that the user is a member of, by name, in one query."""
    rows = await fetch_all(
        "SELECT name, title, public, last_seq FROM rooms_room room WHERE public OR EXISTS ("
        "SELECT 1 FROM rooms_membership WHERE room_id = room.id AND user_id = %s) ORDER BY name",
        (user_id,),
    )
    return [RoomOut(*row) for row in rows]
