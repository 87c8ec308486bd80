"""The inbox without a connection: what it takes, what it drops, and what the reader is given."""

import asyncio
from datetime import UTC, datetime

import pytest

from millrace_client import Message, Place, ResyncRequired
from millrace_client import inbox as inbox_module
from millrace_client.inbox import Gap, Inbox

EPOCH, NEXT = "9b2d1f8e-63a1-4d0e-8f5b-2c7c3d1f0a44", "0f8fad5b-d9cb-469f-a165-70867728950e"


def message(seq: int) -> Message:
    """Number `seq` of the room."""
    return Message("lobby", seq, f"id {seq}", f"text {seq}", "ada", datetime(2026, 1, 2, tzinfo=UTC))


async def offer(inbox: Inbox, *seqs: int) -> None:
    """The socket brings these."""
    for seq in seqs:
        await inbox.offer(message(seq), EPOCH)


async def given(inbox: Inbox, count: int) -> list[int | None]:
    """The numbers of the next items; None for one without a message."""
    async with asyncio.timeout(10):
        items = [await inbox.get() for _ in range(count)]
    return [item[0].seq if item is not None and isinstance(item[0], Message) else None for item in items]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a reader that does not come."""
    monkeypatch.setattr(inbox_module, "PATIENCE", 0.01)


async def test_each_with_its_place() -> None:
    """A message comes with the place after it; the first may have any number, the others follow."""
    inbox = Inbox(None, 10)
    await offer(inbox, 5, 6)
    assert inbox.received == Place(EPOCH, 6)
    assert [await inbox.get(), await inbox.get()] == [(message(5), Place(EPOCH, 5)), (message(6), Place(EPOCH, 6))]


async def test_each_once() -> None:
    """What is before the place or at it was read already."""
    inbox = Inbox(Place(EPOCH, 4), 10)
    await offer(inbox, 3, 4, 5, 5, 4, 6)
    assert await given(inbox, 2) == [5, 6]


async def test_a_gap() -> None:
    """A number is missing: which one, and nothing of it is taken."""
    inbox = Inbox(Place(EPOCH, 4), 10)
    with pytest.raises(Gap, match=r"^6 after 4$"):
        await offer(inbox, 6)
    assert inbox.received == Place(EPOCH, 4)
    await offer(inbox, 5)
    assert await given(inbox, 1) == [5]


async def test_a_reader_frees_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full inbox waits for its reader, and takes the message as soon as one was read."""
    monkeypatch.setattr(inbox_module, "PATIENCE", 60)
    inbox = Inbox(None, 2)
    await offer(inbox, 1)
    # A read before it is full says nothing about later.
    assert await given(inbox, 1) == [1]
    await offer(inbox, 2, 3)
    offering = asyncio.create_task(offer(inbox, 4))
    await asyncio.sleep(0)
    assert (offering.done(), await given(inbox, 1)) == (False, [2])
    async with asyncio.timeout(10):
        await offering
    assert (inbox.behind, await given(inbox, 2)) == (False, [3, 4])


@pytest.mark.usefixtures("impatient")
async def test_without_a_reader() -> None:
    """What does not fit is dropped without a gap, and so is all after it, until a new connection brings it again."""
    inbox = Inbox(None, 2)
    async with asyncio.timeout(10):
        await offer(inbox, 1, 2, 3, 7)
    assert (inbox.behind, inbox.received) == (True, Place(EPOCH, 2))
    assert await given(inbox, 2) == [1, 2]
    await offer(inbox, 8)
    assert inbox.received == Place(EPOCH, 2)
    inbox.renewed()
    await offer(inbox, 3)
    assert (inbox.behind, await given(inbox, 1)) == (False, [3])


@pytest.mark.usefixtures("impatient")
async def test_catching_up() -> None:
    """The reader has caught up when messages were dropped and all others were read, not before."""
    inbox = Inbox(None, 2)
    waiting = asyncio.create_task(inbox.caught_up())
    await offer(inbox, 1)
    assert await given(inbox, 1) == [1]
    await asyncio.sleep(0)
    await offer(inbox, 2, 3, 4)
    assert await given(inbox, 1) == [2]
    await asyncio.sleep(0)
    assert (inbox.behind, waiting.done()) == (True, False)
    assert await given(inbox, 1) == [3]
    async with asyncio.timeout(10):
        await waiting
        # A later call returns at once.
        await inbox.caught_up()


@pytest.mark.usefixtures("impatient")
async def test_a_reader_that_was_through_before() -> None:
    """What was read before anything was dropped says nothing about what comes after."""
    inbox = Inbox(None, 1)
    await offer(inbox, 1)
    assert await given(inbox, 1) == [1]
    await offer(inbox, 2, 3)
    waiting = asyncio.create_task(inbox.caught_up())
    await asyncio.sleep(0)
    assert (waiting.done(), await given(inbox, 1)) == (False, [2])
    async with asyncio.timeout(10):
        await waiting


async def test_a_room_that_starts_over() -> None:
    """The reader gets the resync in between, and any number may follow."""
    inbox = Inbox(Place(EPOCH, 4), 10)
    resync = ResyncRequired("lobby", NEXT)
    inbox.forget(resync)
    assert inbox.received is None
    await inbox.offer(message(2), NEXT)
    assert [await inbox.get(), await inbox.get()] == [(resync, None), (message(2), Place(NEXT, 2))]


async def test_a_start_without_messages() -> None:
    """An empty room is a place too; a room that has brought something keeps its place."""
    inbox = Inbox(None, 10)
    inbox.start(Place(EPOCH, 0))
    assert (inbox.received, await inbox.get()) == (Place(EPOCH, 0), (None, Place(EPOCH, 0)))
    inbox.start(Place(EPOCH, 9))
    await offer(inbox, 1)
    assert (inbox.received, await given(inbox, 1)) == (Place(EPOCH, 1), [1])


async def test_the_end() -> None:
    """What came before the end is read first; after it there is nothing, however often it is asked for."""
    inbox = Inbox(None, 10)
    await offer(inbox, 1)
    inbox.end()
    async with asyncio.timeout(10):
        assert (await given(inbox, 1), await inbox.get(), await inbox.get()) == ([1], None, None)
