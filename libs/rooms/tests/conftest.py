"""Fixtures of the rooms suite. It runs under the settings of either service."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from accounts.models import User
from chassis import bus, lifespan, redis
from chassis import database as db
from chassis.testing import in_section
from rooms.access import RoomAccess
from rooms.models import Membership, Room

pytest_plugins = ["chassis.testing"]

type MakeRoom = Callable[..., Awaitable[RoomAccess]]

# The services register these themselves; here there is no service.
lifespan.resource(db.pool)
lifespan.resource(redis.opened)
lifespan.resource(bus.publishing)
lifespan.resource(bus.inbox.running)


@pytest_asyncio.fixture(autouse=True)
async def _in_a_process(process: None) -> AsyncIterator[None]:
    yield


@pytest_asyncio.fixture
async def make_room(database: None) -> MakeRoom:
    """Makes rooms, with random names: PUBLISH reaches every database of a Redis, another run's too."""

    async def make(*, public: bool = True, member: User | None = None) -> RoomAccess:
        made = await in_section(Room.async_objects.acreate(name=f"r_{uuid.uuid4().hex}", title="A room", public=public))
        if member is not None:
            await in_section(Membership.async_objects.acreate(room_id=made.pk, user_id=member.pk))
        return RoomAccess(made.pk, made.name, made.title, made.public, made.last_seq, made.epoch)

    return make


@pytest_asyncio.fixture
async def room(make_room: MakeRoom) -> RoomAccess:
    """A public room."""
    return await make_room()


@pytest_asyncio.fixture
async def ada(database: None) -> User:
    """A user."""
    user: User = await in_section(User.async_objects.acreate(username="ada", password="!"))
    return user
