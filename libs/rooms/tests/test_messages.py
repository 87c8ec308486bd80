"""Posting and reading: numbers without holes, each post once, nothing that cannot be stored."""

import asyncio
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import database
from chassis.errors import BadRequest, Conflict, NotFound
from rooms import messages, senders
from rooms.access import RoomAccess
from rooms.models import Room
from testing.database import in_scope


async def test_numbers_have_no_holes(room: RoomAccess) -> None:
    """Twenty writers at once, four posts each: the numbers are 1 to 80, and everybody's own are ascending."""

    async def write() -> list[int]:
        sender = senders.new_guest()
        posted = [await in_scope(messages.post(room, sender, uuid.uuid4(), "x")) for _ in range(4)]
        return [each.message.seq for each in posted]

    written = await asyncio.gather(*(write() for _ in range(20)))
    assert sorted(seq for seqs in written for seq in seqs) == list(range(1, 81))
    assert all(seqs == sorted(seqs) for seqs in written)


async def test_same_post_is_stored_once(room: RoomAccess) -> None:
    """The same id again is the stored message again, without a number used up."""
    sender, client_id = senders.new_guest(), uuid.uuid4()
    first = await in_scope(messages.post(room, sender, client_id, "x"))
    again = await in_scope(messages.post(room, sender, client_id, "x"))
    other = await in_scope(messages.post(room, sender, uuid.uuid4(), "y"))
    assert (first.created, again.created) == (True, False)
    assert (again.message, other.message.seq) == (first.message, 2)


async def test_same_id_at_once(room: RoomAccess) -> None:
    """Ten posts of one id at the same time are one message."""
    sender, client_id = senders.new_guest(), uuid.uuid4()
    posts = await asyncio.gather(*(in_scope(messages.post(room, sender, client_id, "x")) for _ in range(10)))
    assert {each.message.seq for each in posts} == {1}
    assert sum(each.created for each in posts) == 1


async def test_same_id_other_text(room: RoomAccess) -> None:
    """An id that was used for another text is a conflict."""
    sender, client_id = senders.new_guest(), uuid.uuid4()
    await in_scope(messages.post(room, sender, client_id, "x"))
    with pytest.raises(Conflict):
        await in_scope(messages.post(room, sender, client_id, "y"))


async def test_no_such_room(room: RoomAccess) -> None:
    """A room that was deleted takes no message."""
    await in_scope(Room.async_objects.filter(pk=room.id).adelete())
    with pytest.raises(NotFound):
        await in_scope(messages.post(room, senders.new_guest(), uuid.uuid4(), "x"))


@given(st.text(max_size=50))
async def test_any_text_is_stored_as_it_is_or_refused(text: str) -> None:
    """What `check_body` lets through is short enough, and can be encoded for PostgreSQL."""
    try:
        body = messages.check_body(text)
    except BadRequest:
        return
    assert body == text
    assert "\x00" not in body
    assert 0 < len(body.encode()) <= messages.MAX_BYTES


@pytest.mark.parametrize("text", ["", "  \n", "\x00", "a\x00b", "\ud800", "x" * 4097, "\u00e9" * 2049])
async def test_refused(text: str) -> None:
    """Empty, too long in bytes, or with characters that PostgreSQL cannot store."""
    with pytest.raises(BadRequest):
        messages.check_body(text)


async def test_longest_message(room: RoomAccess) -> None:
    """4096 bytes are stored and read back."""
    body = "\u00e9" * 2048
    await in_scope(messages.post(room, senders.new_guest(), uuid.uuid4(), body))
    (stored,) = await in_scope(messages.catch_up(room, 0))
    assert stored.message == body


async def test_pages(room: RoomAccess) -> None:
    """`catch_up` goes on after a number, `history` ends below one; both oldest first."""
    sender = senders.new_guest()
    async with database.connection():
        for number in range(1, 8):
            await messages.post(room, sender, uuid.uuid4(), f"m{number}")
        after = await messages.catch_up(room, 2, limit=3)
        newest = await messages.history(room, limit=2)
        before = await messages.history(room, before=4, limit=2)
    assert [[each.seq for each in page] for page in (after, newest, before)] == [[3, 4, 5], [6, 7], [2, 3]]
