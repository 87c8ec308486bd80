"""The outbox without a connection: the outcome of each message, and what the sender learns."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from millrace_client import BadMessage, Conflict, Message, OutboxFull, RoomClosed, SendFailed, TooLarge
from millrace_client.frames import Ack, Failure, encode_message
from millrace_client.outbox import MAX_FRAME_BYTES, TRIES, Outbox, Pending

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture
async def outbox() -> Outbox:
    """One that takes three messages."""
    return Outbox(3)


def sent(outbox: Outbox, pending: Pending) -> None:
    """Note that a message is on its way, as the one who sends does."""
    outbox.answered.clear()
    outbox.on_its_way = pending
    pending.tries += 1


def message(client_id: str, text: str, seq: int = 7) -> Message:
    """A message that comes by."""
    return Message("lobby", seq, client_id, text, "ada", datetime(2026, 1, 2, tzinfo=UTC))


async def test_what_is_taken(outbox: Outbox) -> None:
    """Each message has its frame under its own id; they wait in order, and the outbox knows how many."""
    assert (len(outbox), outbox.on_its_way, outbox.refusal) == (0, None, None)
    first, second = outbox.add("a", None), outbox.add("b", UUID(ID))
    assert (first.text, first.frame, first.tries) == ("a", encode_message("a", first.id), 0)
    assert (second.id, second.frame) == (ID, encode_message("b", ID))
    assert (len(outbox), first in outbox, await outbox.oldest()) == (2, True, first)


async def test_ids(outbox: Outbox) -> None:
    """Without an id each message gets one that is random; an id has one spelling, and once taken back it is free."""
    one, two = outbox.add("a", None), outbox.add("a", None)
    assert (UUID(one.id).version, one.id != two.id) == (4, True)
    pending = outbox.add("b", ID.upper())
    assert pending.id == ID
    with pytest.raises(Conflict) as raised:
        outbox.add("c", ID)
    assert (raised.value.id, str(raised.value)) == (ID, "A message with this id is waiting already")
    outbox.discard(pending)
    again = outbox.add("b", ID)
    assert (again in outbox, pending in outbox) == (True, False)


async def test_a_full_one(outbox: Outbox) -> None:
    """The one that is too many is named, and says how many wait."""
    for _ in range(3):
        outbox.add("a", None)
    with pytest.raises(OutboxFull, match=r"^3 messages wait already$") as raised:
        outbox.add("b", ID)
    assert (raised.value.id, len(outbox)) == (ID, 3)


async def test_the_longest_frame(outbox: Outbox) -> None:
    """16 KiB as UTF-8 are taken, which is what the server reads; one more byte is not, and says so with its id."""
    room = 16384 - len(encode_message("", ID))
    assert MAX_FRAME_BYTES == 16384
    outbox.add("x" * (room - 1), OTHER)
    longest = outbox.add("é" + "x" * (room - 2), ID)
    assert len(longest.frame.encode()) == 16384
    outbox.discard(longest)
    with pytest.raises(TooLarge, match=r"^Frame is longer than 16384 bytes$") as raised:
        outbox.add("é" + "x" * (room - 1), ID)
    assert raised.value.id == ID
    with pytest.raises(BadMessage, match=r"^Message has characters that cannot be sent$") as refused:
        outbox.add("\ud800", ID)
    assert (refused.value.id, len(outbox)) == (ID, 1)


async def test_waiting_for_the_next(outbox: Outbox) -> None:
    """The one who sends waits until there is a message, also after the last one is gone."""
    for text in ("a", "b"):
        waiting = asyncio.create_task(outbox.oldest())
        await asyncio.sleep(0)
        assert not waiting.done()
        pending = outbox.add(text, None)
        async with asyncio.timeout(10):
            assert await waiting is pending
        outbox.discard(pending)


async def test_an_acknowledgement(outbox: Outbox) -> None:
    """Gives the number to the one who waits, and wakes the sender; one about nothing does nothing."""
    pending, other = outbox.add("a", ID), outbox.add("b", OTHER)
    sent(outbox, pending)
    outbox.acknowledged(Ack(str(uuid4()), 3))
    assert not outbox.answered.is_set()
    outbox.acknowledged(Ack(ID, 7))
    assert (await pending.done, outbox.answered.is_set(), pending in outbox, other in outbox) == (7, True, False, True)
    outbox.acknowledged(Ack(ID, 8))
    assert await pending.done == 7


async def test_an_acknowledgement_of_another(outbox: Outbox) -> None:
    """The sender goes on waiting for the one that is on its way."""
    pending, other = outbox.add("a", ID), outbox.add("b", OTHER)
    sent(outbox, pending)
    outbox.acknowledged(Ack(OTHER, 7))
    assert (await other.done, outbox.answered.is_set(), pending in outbox) == (7, False, True)


async def test_a_message_that_comes_by(outbox: Outbox) -> None:
    """It is ours if it has our id and our words; somebody else's with the same id is not."""
    pending = outbox.add("a", ID)
    outbox.seen(message(OTHER, "a"))
    outbox.seen(message(ID, "b"))
    assert not pending.done.done()
    outbox.seen(message(ID, "a", 9))
    assert (await pending.done, len(outbox)) == (9, 0)


@pytest.mark.parametrize("code", ["too_fast", "unavailable"])
async def test_never_given_up(outbox: Outbox, code: str) -> None:
    """A server that is busy refuses a message as often as it likes: it is sent again, and the sender knows why."""
    pending = outbox.add("a", ID)
    for _ in range(3 * TRIES):
        sent(outbox, pending)
        outbox.refused(Failure("later", code, ID))
        assert (outbox.refusal, outbox.answered.is_set(), pending.done.done()) == (code, True, False)


@pytest.mark.parametrize("about", [ID, None])
async def test_a_defect(outbox: Outbox, about: str | None) -> None:
    """An error that says nothing against the message fails it at the fifth try, with the server's words."""
    pending = outbox.add("a", ID)
    for _ in range(5):
        assert not pending.done.done()
        sent(outbox, pending)
        outbox.refused(Failure("no", "internal", about))
    with pytest.raises(SendFailed, match=r"^no$") as raised:
        await pending.done
    assert (raised.value.id, len(outbox)) == (ID, 0)


async def test_a_refusal_of_nothing(outbox: Outbox) -> None:
    """One about no message that waits changes nothing: a `typing` was refused, or its sender has gone."""
    pending = outbox.add("a", ID)
    outbox.refused(Failure("no", "conflict", None))
    sent(outbox, pending)
    outbox.refused(Failure("no", "conflict", OTHER))
    assert (pending in outbox, outbox.refusal, outbox.answered.is_set()) == (True, None, False)
    outbox.discard(pending)
    assert outbox.answered.is_set()
    outbox.answered.clear()
    outbox.refused(Failure("no", "too_fast", None))
    assert (outbox.refusal, outbox.answered.is_set()) == (None, False)


async def test_a_send_that_was_cancelled(outbox: Outbox) -> None:
    """An acknowledgement of a cancelled send is no error."""
    pending = outbox.add("a", ID)
    pending.done.cancel()
    outbox.acknowledged(Ack(ID, 7))
    assert len(outbox) == 0


async def test_the_end(outbox: Outbox) -> None:
    """All that wait fail with the room's error, each with a copy; what was cancelled stays so."""
    one, cancelled, other = outbox.add("a", None), outbox.add("b", None), outbox.add("c", None)
    cancelled.done.cancel()
    error = RoomClosed("closed")
    outbox.fail(error)
    raised = [one.done.exception(), other.done.exception()]
    assert [(type(each), str(each)) for each in raised] == [(RoomClosed, "closed")] * 2
    assert len({id(each) for each in [*raised, error]}) == 3
    assert (len(outbox), cancelled.done.cancelled()) == (0, True)
