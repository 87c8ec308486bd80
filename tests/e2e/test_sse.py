"""`/api/rooms/<room>/events/`: a room as Server-Sent Events."""

import asyncio

import pytest
from tests.e2e.events import open_events
from tests.e2e.people import Person, unique
from tests.e2e.test_rooms import post

ROOM = "python"


@pytest.mark.smoke
async def test_the_first_event_comes_at_once(alice: Person) -> None:
    """The stream is `text/event-stream`, unbuffered, and starts with the newest history."""
    async with open_events(alice.client, ROOM) as stream:
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        assert stream.response.headers["Cache-Control"] == "no-store"
        first = await stream.first(lambda event: True)
    assert first.kind == "message"


async def test_history_ends_with_synced(alice: Person) -> None:
    """First the newest messages without a gap, then `synced` with the number and the epoch to resume with."""
    stored = await post(alice, unique("before"), ROOM)
    async with open_events(alice.client, ROOM) as stream:
        synced = await stream.expect("synced")
        seqs = [event.data["seq"] for event in stream.messages if event.data["seq"] <= synced.data["seq"]]
    assert stored["seq"] in seqs
    assert seqs == list(range(seqs[0], synced.data["seq"] + 1))
    assert synced.data["epoch"]


async def test_ids_are_the_numbers(alice: Person) -> None:
    """The id of a message event is its number, and its data are the message."""
    async with open_events(alice.client, ROOM) as stream:
        await stream.expect("synced")
        stored = await post(alice, unique("live"), ROOM)
        event = await stream.expect("message", id=stored["id"])
    assert event.id == str(stored["seq"])
    assert event.data == {"type": "message", **stored}


async def test_it_resumes_where_it_was_left(alice: Person) -> None:
    """With `Last-Event-ID` the stream goes on right after that message: nothing missing, nothing twice."""
    async with open_events(alice.client, ROOM) as stream:
        await stream.expect("synced")
        last = await post(alice, unique("seen"), ROOM)
        await stream.expect("message", id=last["id"])
    missed = [await post(alice, unique("missed"), ROOM) for _ in range(3)]
    async with open_events(alice.client, ROOM, last_event_id=last["seq"]) as stream:
        await stream.expect("synced")
        live = await post(alice, unique("live"), ROOM)
        await stream.expect("message", id=live["id"])
        seqs = [event.data["seq"] for event in stream.messages]
    assert seqs == list(range(last["seq"] + 1, seqs[-1] + 1))
    assert {message["seq"] for message in [*missed, live]} <= set(seqs)


async def test_a_number_from_the_future_starts_over(alice: Person) -> None:
    """An id that the room never had brings the newest history, not an empty stream."""
    stored = await post(alice, unique("newest"), ROOM)
    async with open_events(alice.client, ROOM, last_event_id=10**15) as stream:
        await stream.expect("message", id=stored["id"])


@pytest.mark.parametrize("given", ["abc", "-1", "1.5", "9" * 30])
async def test_an_id_that_is_no_number_is_refused(alice: Person, given: str) -> None:
    """400 before the stream begins."""
    answer = await alice.client.get(f"/api/rooms/{ROOM}/events/", headers={"Last-Event-ID": given})
    assert answer.status_code == 400


async def test_many_readers_see_the_same(alice: Person, bob: Person) -> None:
    """Streams of several readers bring the same messages in the same order."""
    async with (
        open_events(alice.client, ROOM) as hers,
        open_events(bob.client, ROOM) as his,
        open_events(bob.client, ROOM) as again,
    ):
        streams = (hers, his, again)
        await asyncio.gather(*(stream.expect("synced") for stream in streams))
        stored = await asyncio.gather(*(post(sender, unique("many"), ROOM) for sender in (alice, bob) * 5))
        ids = {message["id"] for message in stored}
        last = max(message["seq"] for message in stored)
        await asyncio.gather(*(stream.expect("message", seq=last) for stream in streams))
        seen = [[event.data["seq"] for event in stream.messages if event.data["id"] in ids] for stream in streams]
    assert seen == [sorted(message["seq"] for message in stored)] * 3


async def test_readers_who_leave_harm_nobody(alice: Person) -> None:
    """Many streams that are broken off leave an api that posts and streams as before."""
    for _ in range(10):
        async with open_events(alice.client, ROOM) as stream:
            await stream.first(lambda event: True)
    async with open_events(alice.client, ROOM) as stream:
        stored = await post(alice, unique("after"), ROOM)
        await stream.expect("message", id=stored["id"])
