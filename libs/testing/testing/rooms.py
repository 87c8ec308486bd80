"""Rooms. Used as a plugin (`pytest_plugins = ["testing.rooms"]`).

PYTEST_DONT_REWRITE: conftest files import names from here, which is before pytest could rewrite it.
"""

import uuid
from collections.abc import Awaitable, Callable

import pytest_asyncio

from accounts.models import User
from rooms.access import RoomAccess
from rooms.models import Membership, Room
from testing.database import in_scope

type MakeRoom = Callable[..., Awaitable[RoomAccess]]


@pytest_asyncio.fixture
async def make_room(database: None) -> MakeRoom:
    """Makes rooms, with random names: PUBLISH reaches every database of a Redis, another run's too."""

    async def make(*, public: bool = True, member: User | None = None) -> RoomAccess:
        name = f"room_{uuid.uuid4().hex}"
        made = await in_scope(Room.async_objects.acreate(name=name, title="A room", public=public))
        if member is not None:
            await in_scope(Membership.async_objects.acreate(room_id=made.pk, user_id=member.pk))
        return RoomAccess(made.pk, made.name, made.title, made.public, made.last_seq, made.epoch)

    return make


@pytest_asyncio.fixture
async def room(make_room: MakeRoom) -> RoomAccess:
    """A public room."""
    return await make_room()
