"""Who may enter: guests, users, members."""

from typing import Any

import pytest

from accounts.models import User
from chassis.errors import Error, Forbidden, NotFound, Unauthorized
from rooms import access, senders
from rooms.access import RoomAccess
from testing.database import in_scope
from testing.rooms import MakeRoom


async def refusal(name: str, user_id: int | None) -> type[Error]:
    """The error that `enter` raises."""
    with pytest.raises(Error) as caught:
        await in_scope(access.enter(name, user_id))
    return caught.type


async def test_public_room(room: RoomAccess, ada: User) -> None:
    """Any user enters a public room."""
    assert await in_scope(access.enter(room.name, ada.pk)) == room


@pytest.mark.parametrize("admitted", [True, False])
async def test_guest(room: RoomAccess, settings: Any, admitted: bool) -> None:
    """A guest enters a public room only where the site admits guests."""
    settings.ALLOW_GUESTS = admitted
    if admitted:
        assert (await in_scope(access.enter(room.name, None))).name == room.name
    else:
        assert await refusal(room.name, None) is Unauthorized


async def test_private_room(make_room: MakeRoom, ada: User, settings: Any) -> None:
    """A private room is for its members; a guest is asked to sign in."""
    settings.ALLOW_GUESTS = True
    hers, other = await make_room(public=False, member=ada), await make_room(public=False)
    assert (await in_scope(access.enter(hers.name, ada.pk))).id == hers.id
    assert await refusal(other.name, ada.pk) is Forbidden
    assert await refusal(other.name, None) is Unauthorized


@pytest.mark.parametrize("name", ["nowhere", "a\n", "", "x" * 65])
async def test_no_such_room(database: None, name: str) -> None:
    """A room that is not there, or cannot be."""
    assert await refusal(name, None) is NotFound


async def test_senders(ada: User) -> None:
    """A user's key is their id; every guest has a key of their own behind a short name."""
    assert senders.from_user(ada) == senders.Sender(f"user:{ada.pk}", "ada", ada.pk)
    one, other = senders.new_guest(), senders.new_guest()
    assert one.key != other.key
    assert one.username.startswith("guest-")
    assert len(one.username) == len("guest-xxxx")
