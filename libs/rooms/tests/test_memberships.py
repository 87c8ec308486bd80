"""Members of a room: listed, admitted, removed."""

import pytest

from accounts.models import User
from chassis.errors import NotFound
from rooms import memberships
from rooms.access import RoomAccess
from rooms.models import Membership, Room
from testing.database import count_queries, in_scope
from testing.rooms import MakeRoom


async def names(room: RoomAccess, after: str = "", limit: int = memberships.PAGE) -> list[str]:
    """The members' names."""
    return [member.username for member in await in_scope(memberships.page_of(room, after, limit))]


async def removals(room: RoomAccess) -> int:
    """What the room counts."""
    row: Room = await in_scope(Room.async_objects.aget(pk=room.id))
    return row.removals


async def test_added_once(room: RoomAccess, ada: User) -> None:
    """Adding a member again changes nothing, and says so."""
    assert [await in_scope(memberships.add(room.name, "ada")) for _ in range(2)] == [True, False]
    assert await names(room) == ["ada"]


async def test_removed(make_room: MakeRoom, ada: User) -> None:
    """Removing again changes nothing; what was removed is counted, in one statement with the removal."""
    room = await make_room(public=False, member=ada)
    with count_queries() as statements:
        first = await in_scope(memberships.remove(room.name, "ada"))
    second = await in_scope(memberships.remove(room.name, "ada"))
    assert first == second == memberships.Removed(room.id, ada.pk)
    assert (await names(room), await removals(room), len(statements)) == ([], 1, 1)


async def test_only_this_membership(make_room: MakeRoom, ada: User) -> None:
    """Other rooms of the user and other members of the room are not touched."""
    here, there = await make_room(public=False, member=ada), await make_room(public=False, member=ada)
    bob: User = await in_scope(User.async_objects.acreate(username="bob", password="!"))
    await in_scope(Membership.async_objects.acreate(room_id=here.id, user_id=bob.pk))
    await in_scope(memberships.remove(here.name, "ada"))
    assert (await names(here), await names(there)) == (["bob"], ["ada"])
    assert (await removals(here), await removals(there)) == (1, 0)


async def test_pages(room: RoomAccess) -> None:
    """By name, so many at a time, from one name on."""
    for name in ("cyd", "ada", "bob"):
        await in_scope(User.async_objects.acreate(username=name, password="!"))
        await in_scope(memberships.add(room.name, name))
    assert await names(room) == ["ada", "bob", "cyd"]
    assert await names(room, after="ada", limit=1) == ["bob"]
    assert await names(room, after="cyd") == []


@pytest.mark.parametrize("change", [memberships.add, memberships.remove])
@pytest.mark.parametrize("unknown", ["Room", "User"])
async def test_unknown(room: RoomAccess, ada: User, change: object, unknown: str) -> None:
    """Neither a room nor a user that is not there."""
    names = ("nowhere", "ada") if unknown == "Room" else (room.name, "nobody")
    with pytest.raises(NotFound, match=f"{unknown} not found"):
        await in_scope(change(*names))  # type: ignore[operator]
