"""Rooms that are made when they are opened: any valid name works in the demo."""

import re

from tests.e2e.conftest import OpenSocket
from tests.e2e.events import open_events
from tests.e2e.people import Person, unique
from tests.e2e.sockets import Entry


async def test_any_name_just_works(enter: OpenSocket) -> None:
    """A guest opens a name that has no room, and talks there."""
    async with enter(unique("testroom"), Entry()) as socket:
        await socket.say("Hello, World!")
        message = await socket.expect(type="message", message="Hello, World!")
        assert message["seq"] == 1
        assert re.fullmatch(r"guest-[0-9a-f]{4}", message["username"])


async def test_people_meet_in_a_new_room(enter_first: OpenSocket, enter_second: OpenSocket, alice: Person) -> None:
    """One made it on one process by ticket, another finds it on the other as a guest; it is listed for both."""
    name = unique("meeting")
    async with enter_first(name, await alice.ticket(name)) as hers, enter_second(name, Entry()) as other:
        await hers.say("over here")
        assert (await other.expect(type="message", message="over here"))["username"] == alice.username
    rooms = (await alice.client.get("/api/rooms/")).json()["rooms"]
    assert {"name": name, "title": name, "public": True, "last_seq": 1} in rooms


async def test_a_stream_opens_a_new_room(enter: OpenSocket, alice: Person) -> None:
    """What a guest says there arrives as an event."""
    name = unique("streamed")
    async with open_events(alice.client, name) as stream:
        await stream.expect("synced")
        async with enter(name, Entry()) as socket:
            client_id = await socket.say("by socket")
            event = await stream.expect("message", id=client_id)
    assert event.id == "1"
