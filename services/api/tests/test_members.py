"""`/api/rooms/<room>/members/`: who may read a private room, and who may say so."""

from datetime import datetime

import httpx
import pytest
import pytest_asyncio

from accounts.models import User
from rooms.models import Room
from testing.database import in_scope

MEMBERS = "/api/rooms/private/members/"
ADA = f"{MEMBERS}ada/"


@pytest_asyncio.fixture(autouse=True)
async def private(database: None) -> Room:
    """A room without members."""
    room: Room = await in_scope(Room.async_objects.acreate(name="private", title="Private", public=False))
    return room


async def names(client: httpx.AsyncClient, **query: str | int) -> list[str]:
    """The members that `client` is shown."""
    response = await client.get(MEMBERS, params=query)
    assert response.status_code == 200
    return [member["username"] for member in response.json()["members"]]


async def test_admit_and_remove(staff_client: httpx.AsyncClient, user_client: httpx.AsyncClient, user: User) -> None:
    """A membership lets the user in, its end keeps them out."""
    admitted = await staff_client.put(ADA)
    assert (admitted.status_code, admitted.json()) == (201, {"room": "private", "username": "ada"})
    assert await names(user_client) == ["ada"]
    removed = await staff_client.delete(ADA)
    assert (removed.status_code, removed.json()) == (200, {"deleted": True})
    assert (await user_client.get(MEMBERS)).status_code == 403
    assert (await user_client.get("/api/rooms/private/messages/")).status_code == 403


async def test_doing_it_again(staff_client: httpx.AsyncClient, user_client: httpx.AsyncClient, user: User) -> None:
    """Both are idempotent, and the status of an admission tells whether it was news."""
    assert [(await staff_client.put(ADA)).status_code for _ in range(2)] == [201, 200]
    assert await names(user_client) == ["ada"]
    assert [(await staff_client.delete(ADA)).status_code for _ in range(2)] == [200, 200]


async def test_pages(staff_client: httpx.AsyncClient, user: User) -> None:
    """By name, so many at a time, with the time since when."""
    for name in ("ada", "grace"):
        await staff_client.put(f"{MEMBERS}{name}/")
    assert await names(staff_client) == ["ada", "grace"]
    assert await names(staff_client, limit=1) == ["ada"]
    assert await names(staff_client, after="ada") == ["grace"]
    (first, _) = (await staff_client.get(MEMBERS)).json()["members"]
    assert datetime.fromisoformat(first["since"]).tzinfo is not None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_staff_only(user_client: httpx.AsyncClient, user: User, method: str) -> None:
    """A user admits nobody, not even themselves, and learns nothing about rooms and users."""
    for path in (ADA, "/api/rooms/nowhere/members/ada/", f"{MEMBERS}nobody/"):
        response = await user_client.request(method, path)
        assert (response.status_code, response.json()) == (403, {"error": "Only staff may change who is a member"})


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_unknown(staff_client: httpx.AsyncClient, user: User, method: str) -> None:
    """404 says which of the two there is not."""
    for path, error in (("/api/rooms/nowhere/members/ada/", "Room"), (f"{MEMBERS}nobody/", "User")):
        response = await staff_client.request(method, path)
        assert (response.status_code, response.json()) == (404, {"error": f"{error} not found"})


@pytest.mark.parametrize(("method", "path"), [("GET", MEMBERS), ("PUT", ADA), ("DELETE", ADA)])
async def test_needs_a_user(client: httpx.AsyncClient, method: str, path: str) -> None:
    """401."""
    assert (await client.request(method, path)).status_code == 401


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "after=%00", "limit=x"])
async def test_malformed_query(staff_client: httpx.AsyncClient, query: str) -> None:
    """400."""
    await staff_client.put(f"{MEMBERS}grace/")
    assert (await staff_client.get(f"{MEMBERS}?{query}")).status_code == 400
