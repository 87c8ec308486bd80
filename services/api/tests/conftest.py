"""Fixtures of the api's suite: clients that are nobody, a user, and staff."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest_asyncio

from accounts import tokens
from accounts.models import User
from api.asgi import application
from chassis.testing import in_section

pytest_plugins = ["chassis.testing"]

type MakeClient = Callable[..., httpx.AsyncClient]


@pytest_asyncio.fixture
async def client(database: None, make_client: MakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody."""
    async with make_client(application) as client:
        yield client


async def make_user(username: str, *, is_staff: bool = False, is_active: bool = True) -> User:
    """A user with a password that nobody can sign in with: hashing one takes longer than most tests."""
    create = User.async_objects.acreate
    user: User = await in_section(
        create(username=username, email=f"{username}@example.org", password="!", is_staff=is_staff, is_active=is_active)
    )
    return user


@pytest_asyncio.fixture
async def user(database: None) -> User:
    """An ordinary user, `ada`."""
    return await make_user("ada")


@pytest_asyncio.fixture
async def staff(database: None) -> User:
    """A staff user, `grace`."""
    return await make_user("grace", is_staff=True)


async def bearer(user: User) -> dict[str, str]:
    """The header that authenticates `user`."""
    secret, _ = await in_section(tokens.issue(user))
    return {"Authorization": f"Bearer {secret}"}


@pytest_asyncio.fixture
async def user_client(user: User, make_client: MakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """Ada, by token."""
    async with make_client(application, headers=await bearer(user)) as client:
        yield client


@pytest_asyncio.fixture
async def staff_client(staff: User, make_client: MakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """Grace, by token."""
    async with make_client(application, headers=await bearer(staff)) as client:
        yield client


