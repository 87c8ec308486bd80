"""Who was let into a room and may not be there any more: `rooms.access` for many at once, after the fact."""

from collections.abc import Sequence

from accounts.credentials import STANDS, Credential
from chassis.database import fetch_all
from chassis.errors import Error, Forbidden, Unauthorized

# A room's id, and what its visitor came with; None for a guest.
type Place = tuple[int, Credential | None]

# A room that is gone is not judged here: the hub tells its members that.
_LOST = f"""
SELECT number, signed_in FROM (
    SELECT number, user_id IS NULL OR {STANDS} AS signed_in, EXISTS (
        SELECT FROM rooms_room room WHERE room.id = held.room_id AND NOT public AND NOT EXISTS (
            SELECT FROM rooms_membership member WHERE member.room_id = room.id AND member.user_id = held.user_id
        )
    ) AS shut_out
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[])
        WITH ORDINALITY AS held (room_id, user_id, session_key, access_token_id, password, number)
) asked WHERE NOT signed_in OR shut_out
"""  # noqa: S608 - constant


async def lost(places: Sequence[Place]) -> dict[Place, Error]:
    """Those of `places` that have to be given up, and why, in one query.

    `Unauthorized`: the credential ended or expired, the password is another, the user was deactivated or deleted, or a
    guest's room is private now. `Forbidden`: the user is no member of a private room.
    """
    rows = await fetch_all(_LOST, _columns(places))
    found: dict[Place, Error] = {}
    for number, signed_in in rows:
        place = places[number - 1]
        member = signed_in and place[1] is not None
        found[place] = Forbidden("Not a member of this room") if member else Unauthorized()
    return found


def _columns(places: Sequence[Place]) -> tuple[list[int | str | None], ...]:
    rows: list[tuple[int | str | None, ...]] = [
        (room_id, None, "", None, "")
        if held is None
        else (room_id, held.user_id, held.session_key, held.access_token_id, held.password)
        for room_id, held in places
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))
