"""Users, and what they sign in with. None of them needs a password: hashing one takes longer than most tests.

Used as a plugin (`pytest_plugins = ["testing.people"]`) for the fixture `ada`.

PYTEST_DONT_REWRITE: conftest files import names from here, which is before pytest could rewrite it.
"""

import pytest_asyncio
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts import tickets, tokens
from accounts.models import User
from accounts.sessions import SessionStore
from rooms.access import RoomAccess
from testing.database import in_scope


async def make_user(username: str, *, is_staff: bool = False, is_active: bool = True) -> User:
    """A user with a password that nobody can sign in with."""
    create = User.async_objects.acreate
    user: User = await in_scope(
        create(username=username, email=f"{username}@example.org", password="!", is_staff=is_staff, is_active=is_active)
    )
    return user


@pytest_asyncio.fixture
async def ada(database: None) -> User:
    """An ordinary user."""
    return await make_user("ada")


async def bearer(user: User) -> dict[str, str]:
    """The header that authenticates `user`."""
    secret, _ = await in_scope(tokens.issue(user))
    return {"Authorization": f"Bearer {secret}"}


async def sign_in(user: User) -> str:
    """The key of a new session of `user`."""
    session = SessionStore()
    session.update(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
    )
    await in_scope(session.acreate())
    assert session.session_key is not None
    return session.session_key


async def ticket(user: User, room: RoomAccess) -> str:
    """A ticket of `user` for `room`."""
    return await in_scope(tickets.issue(user, room.name))
