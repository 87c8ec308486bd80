"""Rooms for a crowd, and what is stored in them at the end. `Sql` is how the database is reached."""

import json
import uuid
from collections.abc import Callable, Iterable

from tests.chaos.facts import Room, Row, Table
from tests.chaos.history import checksum

# Runs statements as the owner of the database; returns what psql prints, unaligned and without headers.
type Sql = Callable[[str], str]


def make_rooms(sql: Sql, count: int) -> dict[str, str]:
    """New public rooms, in the database, because only staff may make them otherwise. Returns their epochs by name."""
    rooms = {f"crowd_{uuid.uuid4().hex[:12]}": str(uuid.uuid4()) for _ in range(count)}
    values = ", ".join(f"('{name}', 'Crowd', true, 0, '{epoch}', now())" for name, epoch in rooms.items())
    columns = "name, title, public, last_seq, epoch, created_at"
    sql(f"INSERT INTO rooms_room ({columns}) VALUES {values}")  # noqa: S608 - made above
    return rooms


def table(sql: Sql, names: Iterable[str]) -> Table:
    """Everything that is stored in these rooms."""
    wanted = ", ".join(f"'{name}'" for name in names)
    rows = "json_agg(json_build_array(seq, client_id, body) ORDER BY seq)"
    query = f"(SELECT coalesce({rows}, '[]') FROM rooms_message WHERE room_id = rooms_room.id)"  # noqa: S608 - from here
    room = f"json_build_object('name', name, 'head', last_seq, 'rows', {query})"
    answer = sql(f"SELECT json_agg({room}) FROM rooms_room WHERE name IN ({wanted})")  # noqa: S608 - from `make_rooms`
    return {
        room["name"]: Room(room["head"], [Row(seq, key, checksum(body)) for seq, key, body in room["rows"]])
        for room in json.loads(answer)
    }
