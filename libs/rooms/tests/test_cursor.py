"""The cursor: whatever is announced, in whatever order and however often, comes out in order and once."""

import uuid

import pytest
from django.db import DataError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis import database
from chassis.testing import in_section
from rooms import messages, senders
from rooms.access import RoomAccess
from rooms.cursor import Cursor
from rooms.messages import PAGE, StoredMessage

COUNT = 8
# Goes before the table of the same name in this connection, and divides by zero from row PAGE + 1 on.
BREAK_SECOND_PAGE = """
CREATE VIEW pg_temp.rooms_message AS
SELECT room_id, seq / (CASE WHEN seq > %s THEN 0 ELSE 1 END) AS seq, client_id, body, username, created_at
FROM public.rooms_message
"""


async def write(room: RoomAccess, count: int) -> list[StoredMessage]:
    """Store `count` messages."""
    sender = senders.new_guest()
    async with database.connection():
        return [(await messages.post(room, sender, uuid.uuid4(), f"m{n}")).message for n in range(1, count + 1)]


async def test_next_one(room: RoomAccess) -> None:
    """The next number is delivered as it was announced, without a query."""
    (message,) = await write(room, 1)
    cursor = Cursor(room, 0)
    assert await cursor.accept(message) == [message]
    assert cursor.seq == 1


async def test_old_one(room: RoomAccess) -> None:
    """What was delivered is not delivered again."""
    (message,) = await write(room, 1)
    assert await Cursor(room, 1).accept(message) == []


async def test_gap(room: RoomAccess) -> None:
    """A gap is filled up to and including what was announced."""
    stored = await write(room, 3)
    cursor = Cursor(room, 0)
    assert await in_section(cursor.accept(stored[2])) == stored
    assert cursor.seq == 3


async def test_fill_reads_all_pages(room: RoomAccess) -> None:
    """A gap of more than a page is read to its end."""
    stored = await write(room, PAGE + 2)
    assert await in_section(Cursor(room, 0).fill()) == stored


async def test_failed_fill_loses_nothing(room: RoomAccess) -> None:
    """Where a later page cannot be read the place stays, so the next fill begins where this one did."""
    stored = await write(room, PAGE + 1)
    cursor = Cursor(room, 0)
    async with database.connection() as connection:
        async with await connection.cursor() as sql:
            await sql.execute(BREAK_SECOND_PAGE, (PAGE,))
            try:
                with pytest.raises(DataError):
                    await cursor.fill()
            finally:
                await sql.execute("DROP VIEW pg_temp.rooms_message")
        assert cursor.seq == 0
        assert await cursor.fill() == stored


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, COUNT), order=st.lists(st.integers(0, COUNT - 1), max_size=20))
async def test_any_order(room: RoomAccess, start: int, order: list[int]) -> None:
    """Any sequence of announcements, lost, repeated and shuffled, delivers a gap-free ascending run."""
    stored = await in_section(messages.catch_up(room, 0)) or await write(room, COUNT)
    cursor, delivered = Cursor(room, start), []
    async with database.connection():
        for index in order:
            delivered += await cursor.accept(stored[index])
    assert delivered == stored[start : start + len(delivered)]
    assert cursor.seq == start + len(delivered) >= max((index + 1 for index in order), default=0)
