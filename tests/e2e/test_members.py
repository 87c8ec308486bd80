"""Memberships: staff admit people to a private room, and take it back, which ends what they have open there."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from tests.e2e.conftest import OpenSocket
from tests.e2e.events import open_events
from tests.e2e.people import Person, newcomer, unique
from tests.e2e.sockets import Entry, refusal
from tests.e2e.stack import Stack
from tests.e2e.test_rooms import post

# The demo's private room.
ROOM = "staff"
MEMBERS = f"/api/rooms/{ROOM}/members/"
FORBIDDEN, NOT_SIGNED_IN = 4003, 4001


async def names(person: Person) -> list[str]:
    """The members that somebody is shown."""
    answer = await person.client.get(MEMBERS)
    assert answer.status_code == 200, answer.text
    return [member["username"] for member in answer.json()["members"]]


@contextlib.asynccontextmanager
async def member(stack: Stack, staff: Person) -> AsyncIterator[Person]:
    """Somebody new who is a member of the private room."""
    async with newcomer(stack, staff, "member") as person:
        answer = await staff.client.put(f"{MEMBERS}{person.username}/")
        assert (answer.status_code, answer.json()) == (201, {"room": ROOM, "username": person.username})
        yield person


async def remove(staff: Person, person: Person) -> None:
    """Take the membership."""
    answer = await staff.client.delete(f"{MEMBERS}{person.username}/")
    assert (answer.status_code, answer.json()) == (200, {"deleted": True})


async def test_a_member_is_listed_and_reads(stack: Stack, staff: Person) -> None:
    """With the membership comes the right to read, and to see who else is in; both end with it."""
    async with member(stack, staff) as person:
        assert person.username in await names(person)
        assert person.username in await names(staff)
        await remove(staff, person)
        assert person.username not in await names(staff)
        assert (await person.client.get(MEMBERS)).status_code == 403
        assert await refusal(stack.realtime, ROOM, Entry(cookie=person.cookie, origin=stack.origin)) == FORBIDDEN


async def test_changing_nothing_is_no_error(stack: Stack, staff: Person) -> None:
    """Admitting a member is 200, and so is removing somebody who is none."""
    async with member(stack, staff) as person:
        assert (await staff.client.put(f"{MEMBERS}{person.username}/")).status_code == 200
        for _ in range(2):
            await remove(staff, person)


async def test_sockets_are_closed(
    stack: Stack, staff: Person, enter_first: OpenSocket, enter_second: OpenSocket
) -> None:
    """Whichever process holds them, by ticket and by cookie: closed with 4003, and not one message later."""
    async with member(stack, staff) as person:
        cookie = Entry(cookie=person.cookie, origin=stack.origin)
        async with enter_first(ROOM, await person.ticket(ROOM)) as one, enter_second(ROOM, cookie) as other:
            await remove(staff, person)
            for socket in (one, other):
                await socket.until_ended()
                assert socket.connection.close_code == FORBIDDEN
            late = await post(staff, unique("late"), room=ROOM)
        assert late["id"] not in [frame["id"] for socket in (one, other) for frame in socket.messages]


async def test_streams_end(stack: Stack, staff: Person) -> None:
    """So do Server-Sent Events, and asking again is 403."""
    async with member(stack, staff) as person:
        async with open_events(person.client, ROOM) as stream:
            await stream.expect("synced")
            await remove(staff, person)
            await stream.until_ended()
        assert (await person.client.get(f"/api/rooms/{ROOM}/events/")).status_code == 403


async def test_signing_out_ends_the_stream(stack: Stack, staff: Person) -> None:
    """A stream ends with the token that opened it."""
    async with newcomer(stack, staff, "leaver") as person:
        async with open_events(person.client, "lobby") as stream:
            await stream.expect("synced")
            assert (await person.client.post("/api/logout/")).status_code == 200
            await stream.until_ended()


async def test_deactivation_ends_everything(stack: Stack, staff: Person, enter: OpenSocket) -> None:
    """A user who is deactivated has nothing open a moment later: sockets are closed with 4001, streams end."""
    async with newcomer(stack, staff, "leaver") as person:
        async with (
            enter("lobby", await person.ticket("lobby")) as socket,
            open_events(person.client, "lobby") as stream,
        ):
            await stream.expect("synced")
            answer = await staff.client.patch(f"/api/users/{person.id}/", json={"is_active": False})
            assert answer.status_code == 200
            await socket.until_ended()
            await stream.until_ended()
            assert socket.connection.close_code == NOT_SIGNED_IN


async def test_a_public_room_stays_open(stack: Stack, staff: Person, enter: OpenSocket) -> None:
    """A membership of a public room comes and goes without anybody noticing."""
    async with newcomer(stack, staff, "visitor") as person:
        path = f"/api/rooms/lobby/members/{person.username}/"
        assert (await staff.client.put(path)).status_code == 201
        async with enter("lobby", await person.ticket("lobby")) as socket:
            assert (await staff.client.delete(path)).status_code == 200
            client_id = await socket.say(unique("still"))
            await socket.expect(type="ack", id=client_id)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_staff_only(alice: Person, method: str) -> None:
    """Nobody admits themselves."""
    assert (await alice.client.request(method, f"{MEMBERS}{alice.username}/")).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/rooms/nowhere_at_all/members/ada/", f"{MEMBERS}nobody_{'x' * 20}/"])
async def test_what_does_not_exist(staff: Person, method: str, path: str) -> None:
    """404 with words for an unknown room and for an unknown user."""
    answer = await staff.client.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["error"] in {"Room not found", "User not found"}


async def test_reading_takes_the_right_to_read(alice: Person) -> None:
    """The members of a private room are nobody else's business; those of a public one are no secret."""
    assert (await alice.client.get(MEMBERS)).status_code == 403
    assert (await alice.client.get("/api/rooms/lobby/members/")).status_code == 200
