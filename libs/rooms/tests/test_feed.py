"""The order of a room's messages: one feed that hears of them in any order, and reads none."""

import asyncio
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.credentials import Credential
from chassis import bus
from chassis.errors import Forbidden, NotFound
from rooms import events
from rooms.access import RoomAccess
from rooms.hub import RoomRestarted, Seat, metrics
from rooms.hub import feed as feed_module
from rooms.hub.feed import Feed
from rooms.messages import PAGE, StoredMessage

from .hub_members import Recorder, encode

ROOM = RoomAccess(1, "lobby", "Lobby", True, 0, uuid.uuid4())
SENT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is not looked for in PostgreSQL, which has none of it, before the test is over."""
    monkeypatch.setattr(feed_module, "REORDER_SECONDS", 60)


class Doubted(list[set[Seat]]):
    """The seats that the feed wants to be looked at, each time."""

    def __call__(self, seats: Iterable[Seat]) -> None:
        self.append(set(seats))


class Stage:
    """A feed that has started at number `seq`, with one live member."""

    def __init__(self, seq: int = 0, *, started: bool = True) -> None:
        self.doubted = Doubted()
        self.feed = Feed(ROOM, encode, asyncio.Semaphore(), self.doubted)
        self.feed.seq, self.feed.started = seq, started
        self.recorder, self.seat = self.member(seq)

    def member(self, seq: int, user_id: int | None = None) -> tuple[Recorder, Seat]:
        """One more live member, that has been given all up to `seq`."""
        recorder = Recorder()
        seat = Seat(self.feed, recorder, None if user_id is None else Credential(user_id))
        seat.release()
        seat.seq = seq
        self.feed.seats.add(seat)
        self.feed.live[seat] = None
        return recorder, seat

    def filling(self) -> list[asyncio.Task[None]]:
        """The task that looks for what is missing, if there is one."""
        return [] if self.feed._filling is None else [self.feed._filling]

    def accept(self, *seqs: int) -> list[int]:
        """The feed hears of these; returns what the member has by then."""
        for seq in seqs:
            self.feed.accept(message(seq))
        return self.recorder.seqs


def message(seq: int) -> StoredMessage:
    """Number `seq`."""
    return StoredMessage("lobby", seq, uuid.UUID(int=seq), f"text {seq}", "ada", SENT + timedelta(seconds=seq))


def hints(result: str) -> float:
    """How many announcements were of this kind so far, in this process."""
    return float(metrics.HINTS.labels(result)._value.get())


async def test_in_order() -> None:
    """What comes in order is handed on at once, as the frame that all members share, and kept for who comes later."""
    stage = Stage(4)
    other, _ = stage.member(4)
    assert stage.accept(5, 6) == [5, 6]
    assert stage.recorder.frames == other.frames
    assert stage.recorder.frames[0] is other.frames[0]
    assert msgspec.json.decode(stage.recorder.frames[0]) == {
        "type": "message", "room": "lobby", "seq": 5, "id": str(uuid.UUID(int=5)), "message": "text 5",
        "username": "ada", "ts": "2026-01-02T00:00:05Z",
    }  # fmt: skip
    assert (stage.feed.seq, stage.seat.seq) == (6, 6)
    assert stage.feed.tail.after(4) == list(zip((5, 6), stage.recorder.frames, strict=True))
    stage.feed.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), count=st.integers(1, 8))
async def test_any_order(data: st.DataObject, count: int) -> None:
    """Announcements of all of them in any order, some more than once: after each the member has all up to a hole."""
    stage = Stage(3)
    numbers = range(4, 4 + count)
    more = data.draw(st.lists(st.integers(1, 3 + count), max_size=4))
    heard: set[int] = set()
    for seq in data.draw(st.permutations([*numbers, *more])):
        heard.add(seq)
        whole = [number for number in numbers if heard.issuperset(range(4, number + 1))]
        assert stage.accept(seq) == whole
    assert stage.feed._early == {}
    stage.feed.close()


async def test_early_ones_are_bounded() -> None:
    """A hole that stays open does not fill the memory: a page of what follows is kept, the rest is read later."""
    stage = Stage()
    stage.accept(*range(2, PAGE + 10))
    assert len(stage.feed._early) == PAGE
    assert stage.accept(1) == list(range(1, PAGE + 2))
    stage.feed.close()


async def test_what_was_delivered_is_not_kept() -> None:
    """An early one that came by another way meanwhile is forgotten."""
    stage = Stage()
    stage.accept(2, 3, 5)
    stage.feed._deliver(message(1))
    stage.feed._deliver(message(2))
    stage.feed._take_early()
    assert (stage.recorder.seqs, list(stage.feed._early)) == ([1, 2, 3], [5])
    stage.feed._deliver(message(4))
    stage.feed._deliver(message(5))
    stage.feed._take_early()
    assert stage.feed._early == {}
    stage.feed.close()


async def test_hints_are_counted() -> None:
    """Each announcement is the next one, early or a repeated one."""
    before = {kind: hints(kind) for kind in ("next", "early", "repeated")}
    stage = Stage()
    stage.accept(1, 3, 2, 2, 1, 3)
    assert {kind: hints(kind) - before[kind] for kind in before} == {"next": 2, "early": 1, "repeated": 3}
    stage.feed.close()


async def test_before_it_has_started() -> None:
    """What is announced while the head is being read waits, whatever its number."""
    stage = Stage(started=False)
    assert stage.accept(1, 2) == []
    stage.feed.started = True
    stage.feed._take_early()
    assert stage.recorder.seqs == [1, 2]
    stage.feed.close()


async def test_a_member_that_is_ahead() -> None:
    """A member that another process served is given nothing twice, and then goes on."""
    stage = Stage(4)
    ahead, seat = stage.member(6)
    stage.accept(5, 6, 7)
    assert (stage.recorder.seqs, ahead.seqs, seat.seq) == ([5, 6, 7], [7], 7)
    stage.feed.close()


async def test_what_is_missing_is_read_once() -> None:
    """However many early ones there are, one task looks for what is missing; without any there is none."""
    stage = Stage(4)
    stage.accept(5)
    assert not stage.filling()
    stage.accept(8)
    [filling] = stage.filling()
    stage.accept(7, 9)
    stage.feed.head(12, ROOM.epoch, 4)
    assert (stage.filling(), stage.feed._target, filling.get_name()) == ([filling], 12, "fill-lobby")
    stage.feed.close()
    await asyncio.wait([filling])
    assert filling.cancelled()


@pytest.mark.parametrize("seq", [4, 5])
async def test_a_head_that_is_known(seq: int) -> None:
    """Nothing happens if the database has no more than was delivered."""
    stage = Stage(5)
    stage.feed.head(seq, ROOM.epoch, 4)
    assert (stage.filling(), stage.feed.over) == ([], False)


@pytest.mark.parametrize(("seq", "epoch"), [(3, ROOM.epoch), (9, uuid.uuid4())], ids=["went back", "another epoch"])
async def test_a_room_that_started_over(seq: int, epoch: uuid.UUID) -> None:
    """Numbers that went back, or another epoch, send everybody away to come back."""
    stage = Stage(5)
    stage.feed.head(seq, epoch, 4)
    assert isinstance(stage.recorder.removal, RoomRestarted)
    assert (stage.feed.over, stage.feed.live, stage.accept(6)) == (True, {}, [])


async def test_a_room_that_is_gone() -> None:
    """All members leave, with the reason, those that still read history too; nothing is handed on after that."""
    stage = Stage()
    other, seat = stage.member(0)
    del stage.feed.live[seat]
    stage.feed.gone()
    assert {type(stage.recorder.removal), type(other.removal)} == {NotFound}
    assert (str(other.removal), stage.accept(1), len(stage.feed.tail)) == ("Room not found", [], 0)


async def test_a_member_that_left() -> None:
    """It gets nothing more, the others do."""
    stage = Stage()
    other, seat = stage.member(0)
    stage.accept(1)
    seat.end(Forbidden())
    stage.accept(2)
    assert (stage.recorder.seqs, other.seqs) == ([1, 2], [1])
    stage.feed.close()


def happened(name: str, **data: object) -> bus.Event:
    """An event of the room."""
    return bus.Event(name, data)


async def test_events() -> None:
    """Messages are put in order, other events go to all members at once, and an unknown event goes to none."""
    stage = Stage()
    stage.feed.heard(happened(events.JOINED, username="alan"))
    stage.feed.heard(bus.Event(events.MESSAGE, msgspec.to_builtins(message(1))))
    stage.feed.heard(happened("room.later", what="ever"))
    assert (stage.recorder.events, stage.recorder.seqs) == ([events.JOINED], [1])
    stage.feed.close()


@pytest.mark.parametrize(
    "event",
    [
        happened(events.MESSAGE, seq=1),
        happened(events.JOINED, username=5),
        happened(events.MEMBER_REMOVED, user_id="x"),
    ],
    ids=lambda event: event.name,
)
async def test_an_event_of_another_shape(event: bus.Event, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged and changes nothing."""
    stage = Stage()
    stage.feed.heard(event)
    assert (stage.recorder.events, stage.recorder.seqs, stage.doubted) == ([], [], [])
    assert "bus.malformed_event" in caplog.text


async def test_a_membership_that_was_taken() -> None:
    """The seats of that user are looked at, and no others; guests have no membership."""
    stage = Stage()
    (_, hers), (_, also_hers), _ = stage.member(0, 7), stage.member(0, 7), stage.member(0, 8)
    stage.feed.heard(happened(events.MEMBER_REMOVED, user_id=7))
    assert stage.doubted == [{hers, also_hers}]


@example(counts=[0, 0, 1, 1, 2])
@given(counts=st.lists(st.integers(0, 3), max_size=6))
async def test_removals_without_an_announcement(counts: list[int]) -> None:
    """All seats are looked at once for each number that the database tells anew, the first included."""
    stage = Stage()
    for count in counts:
        stage.feed.removals(count)
    changes = [count for place, count in enumerate(counts) if place == 0 or counts[place - 1] != count]
    assert stage.doubted == [{stage.seat}] * len(changes)
