"""Posting over HTTP is under the limits of the user and the room."""

import uuid
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.asgi import application
from chassis.gcra import Rates
from rooms import limits
from rooms.models import Room
from testing.database import in_scope
from testing.people import bearer, make_user

from .conftest import MakeClient
from .test_rooms import post


@pytest.fixture(autouse=True)
def _own_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    # Users of different tests have the same ids, and must not share what they may post.
    monkeypatch.setattr(limits, "rates", Rates(f"test:{uuid.uuid4().hex}"))


@pytest_asyncio.fixture(autouse=True)
async def _rooms(database: None) -> None:
    for name in ("lobby", "other"):
        await in_scope(Room.async_objects.acreate(name=name, title=name))


async def refused(response: httpx.Response) -> float:
    """That it was over a limit; the seconds to wait."""
    assert (response.status_code, response.json()) == (429, {"error": "Too fast"})
    return float(response.headers["Retry-After"])


async def test_a_user(user_client: httpx.AsyncClient, settings: Any) -> None:
    """One post more than the user's limit, to whatever room, is 429 and says when to come back; reading goes on."""
    settings.USER_MESSAGE_RATE = "2/hour"
    assert [(await post(user_client, text)).status_code for text in ("one", "two")] == [201, 201]
    assert 1700 < await refused(await post(user_client, "three")) <= 1800
    await refused(await user_client.post("/api/rooms/other/messages/", json={"message": "three"}))
    history = (await user_client.get("/api/rooms/lobby/messages/")).json()["messages"]
    assert [message["message"] for message in history] == ["one", "two"]


async def test_a_room(user_client: httpx.AsyncClient, make_client: MakeClient, settings: Any) -> None:
    """What everybody posts to a room counts together; what is refused there does not count for who posted it."""
    settings.ROOM_MESSAGE_RATE, settings.USER_MESSAGE_RATE = "2/hour", "2/hour"
    grace = await make_user("grace")
    async with make_client(application, headers=await bearer(grace)) as hers:
        await post(user_client, "one")
        await post(hers, "two")
        await refused(await post(hers, "three"))
        assert (await hers.post("/api/rooms/other/messages/", json={"message": "elsewhere"})).status_code == 201


async def test_a_repeated_post_counts(user_client: httpx.AsyncClient, settings: Any) -> None:
    """The same post again costs as much as a new one: it takes as much work."""
    settings.USER_MESSAGE_RATE = "2/hour"
    identifier = str(uuid.uuid4())
    statuses = [(await post(user_client, "again", identifier)).status_code for _ in range(3)]
    assert statuses == [201, 200, 429]
