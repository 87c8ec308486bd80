"""Rooms that are made when a stream opens them or a ticket is bought for them (`ROOMS_ON_DEMAND`)."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from accounts.models import User
from chassis.gcra import Rates
from rooms import limits
from rooms.models import Room
from testing.database import in_scope
from testing.people import bearer

from .test_stream import Stream

type Open = Callable[[str], Stream]


@pytest.fixture(autouse=True)
def _site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "rates", Rates(f"test:{uuid.uuid4().hex}"))
    settings.ROOMS_ON_DEMAND = True


@pytest_asyncio.fixture
async def open_stream(process: None, user: User) -> AsyncIterator[Open]:
    """Opens streams as Ada, and closes them."""
    headers = await bearer(user)
    streams: list[Stream] = []

    def open_one(room: str) -> Stream:
        streams.append(Stream(f"/api/rooms/{room}/events/", headers))
        return streams[-1]

    yield open_one
    for stream in streams:
        stream.leave()


async def stored() -> list[str]:
    """The names of all rooms."""
    return [room.name async for room in Room.async_objects.all()]


async def refused(client: httpx.AsyncClient, room: str) -> tuple[int, dict[str, str]]:
    """The answer to opening a stream that is not let in."""
    response = await client.get(f"/api/rooms/{room}/events/")
    return response.status_code, response.json()


async def test_a_stream_makes_its_room(open_stream: Open, user_client: httpx.AsyncClient) -> None:
    """From then on it is posted to, listed, and streamed like any other."""
    stream = open_stream("new_room")
    assert (await stream.event())[1:] == ("synced", (await expected_synced("new_room")))
    posted = await user_client.post("/api/rooms/new_room/messages/", json={"message": "hi"})
    assert (posted.status_code, (await stream.event())[0]) == (201, "1")
    assert [room["name"] for room in (await user_client.get("/api/rooms/")).json()["rooms"]] == ["new_room"]


async def expected_synced(name: str) -> dict[str, Any]:
    """The `synced` event of an empty room."""
    room = await in_scope(Room.async_objects.aget(name=name))
    return {"type": "synced", "room": name, "seq": 0, "epoch": str(room.epoch)}


async def test_a_ticket_makes_its_room(user_client: httpx.AsyncClient) -> None:
    """A client that cannot send a cookie opens a new name this way."""
    bought = await user_client.post("/api/ws-ticket/", json={"room": "new_room"})
    assert (bought.status_code, bought.json()["room"]) == (201, "new_room")
    assert await in_scope(stored()) == ["new_room"]


@pytest.mark.parametrize("path", ["messages/", "members/"])
async def test_reading_makes_none(user_client: httpx.AsyncClient, path: str) -> None:
    """To ask for the history or the members of a room is not to open it; nor is to post to it."""
    assert (await user_client.get(f"/api/rooms/new_room/{path}")).status_code == 404
    assert (await user_client.post("/api/rooms/new_room/messages/", json={"message": "hi"})).status_code == 404
    assert await in_scope(stored()) == []


async def test_without_signing_in(client: httpx.AsyncClient) -> None:
    """Streams are for users."""
    assert (await refused(client, "new_room"))[0] == 401
    assert await in_scope(stored()) == []


async def test_off(user_client: httpx.AsyncClient, settings: Any) -> None:
    """Without the setting it is 404."""
    settings.ROOMS_ON_DEMAND = False
    assert await refused(user_client, "new_room") == (404, {"error": "Room not found"})
    assert (await user_client.post("/api/ws-ticket/", json={"room": "new_room"})).status_code == 404


async def test_a_name_that_is_not_valid(user_client: httpx.AsyncClient) -> None:
    """404, and no room."""
    assert (await refused(user_client, "a.b"))[0] == 404
    assert await in_scope(stored()) == []


@pytest.mark.parametrize("rate", ["ROOMS_ON_DEMAND_RATE", "ROOMS_ON_DEMAND_ADDRESS_RATE"])
async def test_the_rates(user_client: httpx.AsyncClient, settings: Any, rate: str) -> None:
    """One room more than the user or the address may have made is 429 and says when to come back."""
    setattr(settings, rate, "1/hour")
    assert (await user_client.post("/api/ws-ticket/", json={"room": "one"})).status_code == 201
    response = await user_client.get("/api/rooms/two/events/")
    assert response.status_code == 429
    assert response.json() == {"error": "Too many new rooms: wait, or open a room that exists"}
    assert 3500 < int(response.headers["Retry-After"]) <= 3600
    assert (await user_client.post("/api/ws-ticket/", json={"room": "one"})).status_code == 201


async def test_the_cap(user_client: httpx.AsyncClient, settings: Any) -> None:
    """429 with the number."""
    settings.ROOMS_ON_DEMAND_MAX = 1
    assert (await user_client.post("/api/ws-ticket/", json={"room": "one"})).status_code == 201
    status, body = await refused(user_client, "two")
    assert (status, body) == (429, {"error": "No room was made: ROOMS_ON_DEMAND_MAX (1) exist already"})
