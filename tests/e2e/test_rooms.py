"""Rooms over HTTP: the list, history by number, posting once however often it is sent."""

import uuid
from typing import Any

import pytest
from tests.e2e.people import Person, unique

MESSAGES = "/api/rooms/python/messages/"
FIELDS = {"room", "seq", "id", "message", "username", "ts"}


async def post(person: Person, message: str, room: str = "python", client_id: str | None = None) -> dict[str, Any]:
    """A new message as the api answers it."""
    body = {"message": message} | ({"id": client_id} if client_id else {})
    answer = await person.client.post(f"/api/rooms/{room}/messages/", json=body)
    assert answer.status_code == 201, answer.text
    stored: dict[str, Any] = answer.json()
    return stored


async def rooms_of(person: Person) -> dict[str, dict[str, Any]]:
    """The rooms that somebody is shown, by name."""
    answer = await person.client.get("/api/rooms/")
    assert answer.status_code == 200
    return {room["name"]: room for room in answer.json()["rooms"]}


async def test_the_rooms_one_may_enter(alice: Person, staff: Person) -> None:
    """Everybody sees the public rooms, only members a private one."""
    hers, theirs = await rooms_of(alice), await rooms_of(staff)
    assert {"lobby", "python"} <= set(hers)
    assert "staff" not in hers
    assert theirs["staff"]["public"] is False
    assert set(hers["lobby"]) == {"name", "title", "public", "last_seq"}
    assert hers["lobby"]["title"]


async def test_a_message_is_stored(alice: Person) -> None:
    """201 with the message as everybody will see it, and it is in the history."""
    text = unique("hello")
    stored = await post(alice, text)
    assert set(stored) == FIELDS
    assert (stored["room"], stored["message"], stored["username"]) == ("python", text, alice.username)
    after = {"after": stored["seq"] - 1, "limit": 1}
    assert (await alice.client.get(MESSAGES, params=after)).json()["messages"] == [stored]


async def test_the_same_message_again_is_the_same(alice: Person) -> None:
    """The same id with the same text is 200 with the same number: nothing new."""
    client_id, text = str(uuid.uuid4()), unique("once")
    first = await post(alice, text, client_id=client_id)
    again = await alice.client.post(MESSAGES, json={"message": text, "id": client_id})
    assert (again.status_code, again.json()) == (200, first)
    history = (await alice.client.get(MESSAGES, params={"after": first["seq"] - 1, "limit": 200})).json()
    assert [message["seq"] for message in history["messages"] if message["id"] == client_id] == [first["seq"]]


async def test_an_id_stands_for_one_message(alice: Person) -> None:
    """The same id with another text is 409."""
    client_id = str(uuid.uuid4())
    await post(alice, unique("first"), client_id=client_id)
    other = await alice.client.post(MESSAGES, json={"message": unique("second"), "id": client_id})
    assert other.status_code == 409
    assert other.json()["error"]


async def test_ids_are_each_senders_own(alice: Person, bob: Person) -> None:
    """Two people may use one id: it makes only a sender's own repetition recognisable."""
    client_id = str(uuid.uuid4())
    hers = await post(alice, unique("hers"), client_id=client_id)
    his = await post(bob, unique("his"), client_id=client_id)
    assert hers["seq"] < his["seq"]


async def test_history_by_number(alice: Person) -> None:
    """`after` reads forwards, `before` backwards, both in ascending order without gaps, `limit` at most."""
    first, second, third = [(await post(alice, unique("page")))["seq"] for _ in range(3)]

    async def seqs(**query: int) -> list[int]:
        history = (await alice.client.get(MESSAGES, params=query)).json()
        assert history["last_seq"] >= third
        uuid.UUID(history["epoch"])
        return [message["seq"] for message in history["messages"]]

    assert await seqs(after=first - 1, limit=2) == [first, first + 1]
    assert await seqs(before=third, limit=2) == [third - 2, third - 1]
    newest = await seqs(limit=3)
    assert len(newest) == 3
    assert newest[-1] >= third
    assert newest == list(range(newest[0], newest[0] + 3))
    assert await seqs(before=1) == []
    assert second in await seqs(after=first)


async def test_history_in_one_direction(alice: Person) -> None:
    """`after` and `before` together make no sense: 400."""
    assert (await alice.client.get(MESSAGES, params={"after": 1, "before": 5})).status_code == 400


async def test_the_demo_rooms_have_a_history(alice: Person) -> None:
    """A new stack has something to look at, from number 1."""
    history = (await alice.client.get("/api/rooms/lobby/messages/", params={"after": 0, "limit": 2})).json()
    assert [message["seq"] for message in history["messages"]] == [1, 2]


TEXTS = [
    "\U0001f469\u200d\U0001f680 \u00fcber \u4f60\u597d",
    "\u202eright to left \u0645\u0631\u062d\u0628\u0627",
    "<script>alert(1)</script> & 'quotes' \"double\" \\back",
    "two\nlines\r\nand\ttabs \u2028 separators",
    '{"type": "ack"}',
    "'; DROP TABLE rooms_message; --",
    "e\u0301 is not \u00e9",
    "x" * 4096,
]


@pytest.mark.parametrize("text", TEXTS, ids=["emoji", "rtl", "html", "lines", "json", "sql", "combining", "longest"])
async def test_any_text_comes_back_as_it_was(alice: Person, text: str) -> None:
    """What was sent is what is stored and read."""
    stored = await post(alice, text)
    history = (await alice.client.get(MESSAGES, params={"after": stored["seq"] - 1, "limit": 1})).json()
    assert history["messages"][0]["message"] == stored["message"] == text


@pytest.mark.parametrize(
    "body",
    [
        {"message": ""},
        {"message": " \n"},
        {"message": "x" * 4097},
        {"message": "\u00fc" * 2049},
        {"message": "nul \x00"},
        {"message": 1},
        {"message": "x", "id": "not-a-uuid"},
        {"message": "x", "username": "somebody"},
        {},
    ],
    ids=["empty", "blank", "long", "bytes", "nul", "number", "id", "field", "nothing"],
)
async def test_a_message_that_makes_no_sense_is_refused(alice: Person, body: dict[str, Any]) -> None:
    """400 with words, and nothing is stored."""
    answer = await alice.client.post(MESSAGES, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


ROOM = [("GET", "messages/", None), ("POST", "messages/", {"message": "x"}), ("POST", "notify/", {"notice": "x"}),
        ("POST", "notify/sync/", {"notice": "x"}), ("GET", "events/", None)]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), ROOM)
async def test_a_room_one_may_not_enter(alice: Person, method: str, path: str, body: dict[str, str] | None) -> None:
    """A private room of others is 403, for every way in."""
    answer = await alice.client.request(method, f"/api/rooms/staff/{path}", json=body)
    assert answer.status_code == 403
    assert answer.json()["error"]


# A stream opens its room, and with that makes it in the demo.
@pytest.mark.parametrize(("method", "path", "body"), [one for one in ROOM if one[1] != "events/"])
async def test_a_room_that_does_not_exist(alice: Person, method: str, path: str, body: dict[str, str] | None) -> None:
    """404, and none is made."""
    answer = await alice.client.request(method, f"/api/rooms/nowhere_at_all/{path}", json=body)
    assert answer.status_code == 404
    assert answer.json()["error"]


@pytest.mark.parametrize(("method", "path", "body"), ROOM)
@pytest.mark.parametrize("room", ["a.b", "r\u00f6om", "lobby%0A", "x" * 65, "%D9%A1"])
async def test_names_that_no_room_can_have(
    alice: Person, room: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    """What is not ASCII letters, digits and underscores, up to 64, is refused as malformed or not found."""
    answer = await alice.client.request(method, f"/api/rooms/{room}/{path}", json=body)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]


async def test_notices_use_nothing_up(alice: Person) -> None:
    """Far more notices from sync and async code than there are database connections; afterwards all is as before."""
    for path in ["notify/sync/", "notify/"] * 25:
        answer = await alice.client.post(f"/api/rooms/python/{path}", json={"notice": "again"})
        assert (answer.status_code, answer.json()) == (200, {"sent": True})
    # This page asks the database: the pool still has a connection for it.
    assert (await alice.client.get("/api/rooms/")).status_code == 200


async def test_members_use_a_private_room(staff: Person) -> None:
    """A member reads and writes it like any other."""
    stored = await post(staff, unique("private"), room="staff")
    after = {"after": stored["seq"] - 1}
    assert stored in (await staff.client.get("/api/rooms/staff/messages/", params=after)).json()["messages"]
