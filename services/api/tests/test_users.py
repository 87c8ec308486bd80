"""`/api/users/`: pages, CRUD, permissions, the export."""

import httpx
import msgspec
import pytest

from accounts.models import User
from chassis.testing import in_section

from .conftest import make_user


async def test_needs_a_user(client: httpx.AsyncClient) -> None:
    """Without credentials: 401."""
    response = await client.get("/api/users/")
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})


async def test_page(user_client: httpx.AsyncClient) -> None:
    """A page holds `per_page` users by id and the total of all."""
    for number in range(4):
        await make_user(f"user{number}")
    body = (await user_client.get("/api/users/?page=2&per_page=2")).json()
    assert [user["username"] for user in body["users"]] == ["user1", "user2"]
    assert (body["page"], body["per_page"], body["total"]) == (2, 2, 5)
