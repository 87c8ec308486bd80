"""Fixtures of the accounts' suite: users on a real database."""

import pytest_asyncio

from accounts.models import User

pytest_plugins = ["testing.database", "testing.asgi", "testing.people"]


@pytest_asyncio.fixture
async def user(ada: User) -> User:
    """An active user, `ada`, without a usable password."""
    return ada
