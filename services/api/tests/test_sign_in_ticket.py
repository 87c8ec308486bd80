"""Tickets for WebSockets: for whom, for which room, and bound to which credential."""

from typing import Any

import httpx
import pytest
import pytest_asyncio

from accounts import tickets
from accounts.models import AccessToken, Session, User, WebSocketTicket
from rooms.models import Membership, Room
from testing.database import in_scope


@pytest_asyncio.fixture
async def lobby(database: None) -> Room:
    """A public room."""
    room: Room = await in_scope(Room.async_objects.acreate(name="lobby", title="Lobby"))
    return room


@pytest_asyncio.fixture
async def private(database: None) -> Room:
    """A room without members."""
    room: Room = await in_scope(Room.async_objects.acreate(name="private", title="Private", public=False))
    return room


async def buy(client: httpx.AsyncClient, room: str = "lobby") -> httpx.Response:
    """A ticket."""
    return await client.post("/api/ws-ticket/", json={"room": room})


async def test_shape(user_client: httpx.AsyncClient, lobby: Room, settings: Any) -> None:
    """201 with the ticket, its seconds, the room and where to go with it."""
    settings.REALTIME_URL = "wss://chat.example.org"
    response = await buy(user_client)
    body = response.json()
    assert response.status_code == 201
    assert body.pop("ticket")
    assert body == {"expires_in": 30, "room": "lobby", "url": "wss://chat.example.org/ws/chat/lobby/"}


async def test_bound_to_user_and_token(user_client: httpx.AsyncClient, user: User, lobby: Room) -> None:
    """It admits its buyer, and ends with the token it was bought with."""
    ticket = (await buy(user_client)).json()["ticket"]
    token = await in_scope(AccessToken.async_objects.all().afirst())
    assert await in_scope(tickets.use(ticket, "lobby")) == tickets.Admission(user.pk, "", token.pk)


async def test_bound_to_the_session(session_client: httpx.AsyncClient, user: User, lobby: Room) -> None:
    """Bought with a cookie, it ends with the session."""
    ticket = (await buy(session_client)).json()["ticket"]
    session = await in_scope(Session.async_objects.all().afirst())
    assert await in_scope(tickets.use(ticket, "lobby")) == tickets.Admission(user.pk, session.session_key, None)


async def test_revoking_the_token_takes_the_ticket(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """Signing out leaves no ticket behind."""
    await buy(user_client)
    await user_client.post("/api/logout/")
    assert await in_scope(WebSocketTicket.async_objects.acount()) == 0


async def test_private_room(user_client: httpx.AsyncClient, private: Room) -> None:
    """Who is not a member gets no ticket."""
    response = await buy(user_client, "private")
    assert (response.status_code, response.json()) == (403, {"error": "Not a member of this room"})


async def test_private_room_of_a_member(user_client: httpx.AsyncClient, user: User, private: Room) -> None:
    """A member does."""
    await in_scope(Membership.async_objects.acreate(room_id=private.pk, user_id=user.pk))
    assert (await buy(user_client, "private")).status_code == 201


@pytest.mark.parametrize("room", ["nowhere", "not a room", "lobby\n", "лобби"])
async def test_no_such_room(user_client: httpx.AsyncClient, lobby: Room, room: str) -> None:
    """Neither for a room that does not exist, nor for what cannot be the name of one."""
    response = await buy(user_client, room)
    assert (response.status_code, response.json()) == (404, {"error": "Room not found"})


async def test_needs_a_user(client: httpx.AsyncClient, lobby: Room) -> None:
    """A guest needs no ticket and gets none."""
    assert (await buy(client)).status_code == 401
