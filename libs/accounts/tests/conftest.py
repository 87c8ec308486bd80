"""Fixtures of the accounts' suite: users on a real database."""

import pytest_asyncio

from accounts.models import User
from chassis.testing import in_section

pytest_plugins = ["chassis.testing"]


@pytest_asyncio.fixture
async def user(database: None) -> User:
    """An active user, `ada`, without a usable password."""
    user: User = await in_section(User.async_objects.acreate(username="ada", password="!"))
    return user
