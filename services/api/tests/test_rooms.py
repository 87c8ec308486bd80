"""`/api/rooms/`: what may be read, history, posting once, notices."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from channels.layers import get_channel_layer

from accounts.models import User
from chassis import bus
from rooms import events, names
from rooms.models import Membership, Room
from testing.database import count_queries, in_scope


@pytest_asyncio.fixture
async def lobby(database: None) -> Room:
    """A public room without messages."""
    room: Room = await in_scope(Room.async_objects.acreate(name="lobby", title="Lobby"))
    return room


@pytest_asyncio.fixture
async def private(database: None) -> Room:
    """A room without members."""
    room: Room = await in_scope(Room.async_objects.acreate(name="private", title="Private", public=False))
    return room


@pytest_asyncio.fixture
async def heard(lobby: Room) -> AsyncIterator["Ear"]:
    """What the lobby's group hears."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(names.group("lobby"), channel)
    yield Ear(layer, channel)
    await layer.delete_channel(channel)


class Ear:
    """Receives events of one channel."""

    def __init__(self, layer: object, channel: str) -> None:
        self.layer, self.channel = layer, channel

    async def next(self, name: str) -> bus.Event:
        """The next event called `name`."""
        while True:
            event = bus.decode(await self.layer.receive(self.channel))  # type: ignore[attr-defined]
            if event is not None and event.name == name:
                return event


async def post(client: httpx.AsyncClient, text: str, identifier: str | None = None) -> httpx.Response:
    """Post to the lobby."""
    body = {"message": text} if identifier is None else {"message": text, "id": identifier}
    return await client.post("/api/rooms/lobby/messages/", json=body)


async def test_rooms_are_those_that_may_be_read(user_client: httpx.AsyncClient, lobby: Room, private: Room) -> None:
    """A private room is listed only for its members."""
    assert [room["name"] for room in (await user_client.get("/api/rooms/")).json()["rooms"]] == ["lobby"]


async def test_members_see_their_private_room(
    user_client: httpx.AsyncClient, user: User, lobby: Room, private: Room
) -> None:
    """Membership adds the room to the list."""
    await in_scope(Membership.async_objects.acreate(room_id=private.pk, user_id=user.pk))
    rooms = (await user_client.get("/api/rooms/")).json()["rooms"]
    assert rooms[1] == {"name": "private", "title": "Private", "public": False, "last_seq": 0}


async def test_post_gives_the_next_number(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """201 with the message as stored."""
    await post(user_client, "first")
    response = await post(user_client, "second")
    assert response.status_code == 201
    stored = response.json()
    assert (stored["room"], stored["seq"], stored["message"], stored["username"]) == ("lobby", 2, "second", "ada")


async def test_post_twice_is_stored_once(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """The same id and message: 200 with the first one's number, and nothing new in the room."""
    identifier = str(uuid.uuid4())
    first = await post(user_client, "once", identifier)
    second = await post(user_client, "once", identifier)
    assert (second.status_code, second.json()) == (200, first.json())
    assert (await user_client.get("/api/rooms/lobby/messages/")).json()["last_seq"] == 1


async def test_id_of_another_message_is_refused(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """The same id with another message: 409."""
    identifier = str(uuid.uuid4())
    await post(user_client, "one", identifier)
    assert (await post(user_client, "another", identifier)).status_code == 409


@pytest.mark.parametrize(
    "body",
    [{}, {"message": ""}, {"message": " \n"}, {"message": "a\x00b"}, {"message": "x", "id": "y"}, {"message": 1}],
)
async def test_malformed_post(user_client: httpx.AsyncClient, lobby: Room, body: dict[str, object]) -> None:
    """What can't be a message is a 400."""
    assert (await user_client.post("/api/rooms/lobby/messages/", json=body)).status_code == 400


async def test_post_of_a_lone_surrogate(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """JSON can spell text that UTF-8 cannot hold: 400, not a 500 from the database driver."""
    content = rb'{"message": "\ud800"}'
    headers = {"Content-Type": "application/json"}
    assert (await user_client.post("/api/rooms/lobby/messages/", content=content, headers=headers)).status_code == 400


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("", [1, 2, 3, 4]), ("?limit=2", [3, 4]), ("?after=1&limit=2", [2, 3]), ("?before=3", [1, 2]), ("?after=4", [])],
)
async def test_history(user_client: httpx.AsyncClient, lobby: Room, query: str, numbers: list[int]) -> None:
    """The newest by default; `after` goes forward, `before` goes back; always in order."""
    for number in range(4):
        await post(user_client, f"message {number}")
    body = (await user_client.get(f"/api/rooms/lobby/messages/{query}")).json()
    assert [message["seq"] for message in body["messages"]] == numbers
    assert (body["last_seq"], body["epoch"]) == (4, str(lobby.epoch))


async def test_history_wants_one_direction(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """`after` and `before` together mean nothing: 400."""
    assert (await user_client.get("/api/rooms/lobby/messages/?after=1&before=3")).status_code == 400


@pytest.mark.parametrize("path", ["messages/", "notify/", "notify/sync/", "events/"])
async def test_private_room_is_closed(user_client: httpx.AsyncClient, private: Room, path: str) -> None:
    """403 for somebody who is not a member, on every way in."""
    if path.startswith("notify"):
        response = await user_client.post(f"/api/rooms/private/{path}", json={"notice": "x"})
    else:
        response = await user_client.get(f"/api/rooms/private/{path}")
    assert response.status_code == 403


@pytest.mark.parametrize("path", ["messages/", "notify/", "notify/sync/", "events/"])
async def test_unknown_room(user_client: httpx.AsyncClient, path: str) -> None:
    """404 on every way in."""
    if path.startswith("notify"):
        response = await user_client.post(f"/api/rooms/nowhere/{path}", json={"notice": "x"})
    else:
        response = await user_client.get(f"/api/rooms/nowhere/{path}")
    assert (response.status_code, response.json()) == (404, {"error": "Room not found"})


@pytest.mark.parametrize("path", ["messages/", "notify/", "notify/sync/", "events/"])
async def test_needs_a_user(client: httpx.AsyncClient, lobby: Room, path: str) -> None:
    """401 on every way in."""
    if path.startswith("notify"):
        response = await client.post(f"/api/rooms/lobby/{path}", json={"notice": "x"})
    else:
        response = await client.get(f"/api/rooms/lobby/{path}")
    assert response.status_code == 401


async def test_post_is_announced(user_client: httpx.AsyncClient, heard: Ear) -> None:
    """The room's group hears of a stored message, in full."""
    stored = (await post(user_client, "hello")).json()
    assert dict((await heard.next(events.MESSAGE)).data) == stored


@pytest.mark.parametrize("path", ["notify/", "notify/sync/"])
async def test_notice(user_client: httpx.AsyncClient, heard: Ear, path: str) -> None:
    """A notice reaches the group from asynchronous and from synchronous code."""
    response = await user_client.post(f"/api/rooms/lobby/{path}", json={"notice": "tea"})
    assert (response.status_code, response.json()) == (200, {"sent": True})
    assert dict((await heard.next(events.NOTICE)).data) == {"notice": "tea"}


@pytest.mark.parametrize("content", [b"", b"{", b'{"notice": 1}', b'{"notice": ""}', b'{"other": "x"}'])
async def test_malformed_notice(user_client: httpx.AsyncClient, lobby: Room, content: bytes) -> None:
    """The hand-written synchronous view is as strict as the typed one: 400."""
    assert (await user_client.post("/api/rooms/lobby/notify/sync/", content=content)).status_code == 400


async def test_notify_sync_takes_post_only(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """405 with the method that is allowed."""
    response = await user_client.get("/api/rooms/lobby/notify/sync/")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


async def test_nothing_is_new(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """Asked again with its ETag, an unchanged history is 304 for the price of a look at the room."""
    await post(user_client, "one")
    first = await user_client.get("/api/rooms/lobby/messages/")
    known = {"If-None-Match": first.headers["ETag"]}
    with count_queries() as statements:
        again = await user_client.get("/api/rooms/lobby/messages/", headers=known)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert len([each for each in statements if "accounts_" not in each]) == 1
    await post(user_client, "two")
    changed = await user_client.get("/api/rooms/lobby/messages/", headers=known)
    assert (changed.status_code, len(changed.json()["messages"])) == (200, 2)


async def test_crowd_reads_once(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """Fifty who ask for the same history at once share one query, and all get it."""
    await post(user_client, "one")
    with count_queries() as statements:
        answers = await asyncio.gather(*(user_client.get("/api/rooms/lobby/messages/") for _ in range(50)))
    assert {answer.json()["last_seq"] for answer in answers} == {1}
    reads = [each for each in statements if "FROM rooms_message" in each]
    assert 1 <= len(reads) < len(answers)


async def test_nobody_reads_from_before_what_they_know(user_client: httpx.AsyncClient, lobby: Room) -> None:
    """However many read at the same time, whoever has posted finds what they posted."""

    async def post_and_read(number: int) -> bool:
        stored = (await post(user_client, f"message {number}")).json()["seq"]
        found = await user_client.get("/api/rooms/lobby/messages/?limit=200")
        return stored in [message["seq"] for message in found.json()["messages"]]

    assert all(await asyncio.gather(*(post_and_read(number) for number in range(40))))
