"""The checker is checked: what is right passes, and every way to break a promise is found and called by its name."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaos.checker import check
from tests.chaos.facts import KINDS, Limits, Room, Row, Verdict
from tests.chaos.history import Event, checksum
from tests.chaos.tests.histories import Story, stories

LIMITS = Limits(heal=10.0, grace=2.0)


def _verdict(story: Story) -> Verdict:
    return check(story.events, story.table, LIMITS)


def _delivered(story: Story, choice: int) -> int:
    """The place of one delivery that is not the last of its client."""
    last = {event.client: place for place, event in enumerate(story.events) if event.kind == "message"}
    places = [
        place for place, event in enumerate(story.events) if event.kind == "message" and place != last[event.client]
    ]
    return places[choice % len(places)]


def _changed(event: Event, **fields: object) -> Event:
    return msgspec.structs.replace(event, **fields)


def _lose_delivery(story: Story, choice: int) -> None:
    del story.events[_delivered(story, choice)]


def _repeat_delivery(story: Story, choice: int) -> None:
    place = _delivered(story, choice)
    story.events.insert(place + 1, story.events[place])


def _swap_deliveries(story: Story, choice: int) -> None:
    place = _delivered(story, choice)
    client = story.events[place].client
    later = next(
        index
        for index in range(place + 1, len(story.events))
        if story.events[index].kind == "message" and story.events[index].client == client
    )
    first, second = story.events[place], story.events[later]
    story.events[place] = _changed(second, t=first.t, conn=first.conn)
    story.events[later] = _changed(first, t=second.t, conn=second.conn)


def _deliver_phantom(story: Story, choice: int) -> None:
    place = _delivered(story, choice)
    story.events[place] = _changed(story.events[place], id="made-up")


def _deliver_other_text(story: Story, choice: int) -> None:
    place = _delivered(story, choice)
    story.events[place] = _changed(story.events[place], sum=checksum("something else"))


def _deliver_foreign(story: Story, choice: int) -> None:
    place = _delivered(story, choice)
    story.events.insert(place, _changed(story.events[place], room="elsewhere"))


def _stay_behind(story: Story, choice: int) -> None:
    clients = sorted({event.client for event in story.events if event.kind == "message"})
    client = clients[choice % len(clients)]
    last = max(place for place, event in enumerate(story.events) if event.kind == "message" and event.client == client)
    del story.events[last]


def _acked(story: Story, choice: int) -> Event:
    acks = [event for event in story.events if event.kind == "ack"]
    return acks[choice % len(acks)]


def _drop_row(story: Story, choice: int) -> None:
    ack = _acked(story, choice)
    room = story.rooms[ack.room]
    story.rooms[ack.room] = Room(room.last_seq, [row for row in room.rows if row.id != ack.id])


def _store_twice(story: Story, choice: int) -> None:
    ack = _acked(story, choice)
    room = story.rooms[ack.room]
    again = next(row for row in room.rows if row.id == ack.id)
    rows = [*room.rows, Row(room.last_seq + 1, again.id, again.sum)]
    story.rooms[ack.room] = Room(room.last_seq + 1, rows)


def _store_phantom(story: Story, choice: int) -> None:
    name = sorted(story.rooms)[choice % len(story.rooms)]
    room = story.rooms[name]
    story.rooms[name] = Room(room.last_seq + 1, [*room.rows, Row(room.last_seq + 1, "made-up", "00000000")])


def _ack_other_number(story: Story, choice: int) -> None:
    ack = _acked(story, choice)
    place = story.events.index(ack)
    story.events[place] = _changed(ack, seq=(ack.seq or 0) + 1)


def _refuse_repeated(story: Story, choice: int) -> None:
    ack = _acked(story, choice)
    story.events.append(_changed(ack, kind="error", why="conflict", t=story.events[-1].t + 0.001))


def _lose_place(story: Story, choice: int) -> None:
    place = _delivered(story, choice)
    story.events.insert(place, _changed(story.events[place], kind="frame", frame="resync_required"))


MUTATIONS: dict[str, tuple[Callable[[Story, int], None], str]] = {
    "a delivery is lost": (_lose_delivery, "gap"),
    "a delivery comes twice": (_repeat_delivery, "duplicate"),
    "two deliveries are swapped": (_swap_deliveries, "disorder"),
    "a delivery that nobody sent": (_deliver_phantom, "phantom"),
    "a delivery with another text": (_deliver_other_text, "disagreement"),
    "a delivery of another room": (_deliver_foreign, "foreign"),
    "the last delivery is missing": (_stay_behind, "behind"),
    "an acknowledged row is missing": (_drop_row, "lost"),
    "a row is there twice": (_store_twice, "duplicate"),
    "a row that nobody sent": (_store_phantom, "phantom"),
    "an acknowledgement of another number": (_ack_other_number, "lost"),
    "a repeated post is refused": (_refuse_repeated, "conflict"),
    "a client is told to start over": (_lose_place, "resync"),
}


@given(stories)
@settings(max_examples=60, deadline=None)
def test_a_valid_history_passes(story: Story) -> None:
    """No finding, whatever broke in between; unknown outcomes are stored or not."""
    verdict = _verdict(story)
    assert verdict.findings == []
    assert verdict.passed


@pytest.mark.parametrize("name", MUTATIONS)
@given(story=stories, choice=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_broken_promise_is_found(name: str, story: Story, choice: int) -> None:
    """Each kind of damage, done at any place, is a finding of its kind."""
    damage, kind = MUTATIONS[name]
    damage(story, choice)
    verdict = _verdict(story)
    assert kind in {finding.kind for finding in verdict.findings}
    assert not verdict.passed


def test_a_history_without_anything_does_not_pass() -> None:
    """A run in which nobody could connect proves nothing."""
    assert not check([], {}, LIMITS).passed


def _sent(t: float, client_id: str) -> Event:
    return Event(t, "send", client="c0", room="room0", id=client_id, sum="x")


def _acks(t: float, client_id: str, seq: int) -> Event:
    return Event(t, "ack", client="c0", room="room0", id=client_id, seq=seq)


def test_an_order_in_time_that_the_numbers_do_not_have() -> None:
    """B was sent after A was acknowledged, and got the lower number; overlapping posts may have any order."""
    table = {"room0": Room(2, [Row(1, "b", "x"), Row(2, "a", "x")])}
    one_after_the_other = [_sent(1, "a"), _acks(2, "a", 2), _sent(3, "b"), _acks(4, "b", 1)]
    at_once = [_sent(1, "a"), _sent(1.5, "b"), _acks(2, "a", 2), _acks(4, "b", 1)]
    assert [finding.kind for finding in check(one_after_the_other, table, LIMITS).findings] == ["order"]
    assert check(at_once, table, LIMITS).findings == []


def _private(frame_at: float, granted: float | None = None) -> list[Event]:
    events = [
        Event(1, "open", client="c0", conn=1, room="room0"),
        Event(5, "revoke", client="c0", room="room0"),
        Event(5.1, "revoked", client="c0", room="room0"),
        Event(frame_at, "frame", client="c0", conn=1, room="room0", frame="presence"),
    ]
    return events if granted is None else [*events[:3], Event(granted, "grant", client="c0", room="room0"), events[3]]


def test_a_frame_after_the_membership_was_taken() -> None:
    """Within the grace it was on its way; later it is a finding, unless the membership was given back."""
    table = {"room0": Room(0, [])}

    def kinds(events: list[Event]) -> list[str]:
        return [finding.kind for finding in check(events, table, LIMITS).findings]

    assert kinds(_private(6.0)) == []
    assert kinds(_private(8.0)) == ["revoked"]
    assert kinds(_private(8.0, granted=7.5)) == []


def _delivered_at(t: float, *, healed: float) -> list[Event]:
    return [
        Event(0.1, "open", client="c1", conn=1, room="room0"),
        Event(1, "fault_start", fault="redis-kill"),
        _sent(2, "a"),
        _acks(3, "a", 1),
        Event(healed, "healed", fault="redis-kill"),
        Event(t, "message", client="c1", conn=1, room="room0", seq=1, id="a", sum="x"),
        Event(60, "phase", why="end"),
    ]


def test_a_delivery_long_after_all_was_well_again() -> None:
    """Late is what comes more than the healing time after everything is healthy, and nothing else."""
    table = {"room0": Room(1, [Row(1, "a", "x")])}
    assert check(_delivered_at(24, healed=15), table, LIMITS).findings == []
    assert [finding.kind for finding in check(_delivered_at(26, healed=15), table, LIMITS).findings] == ["late"]


def test_every_finding_has_a_name_in_the_report() -> None:
    """The kinds that this suite provokes are those that the report explains; the others are seen elsewhere."""
    provoked = {kind for _, kind in MUTATIONS.values()} | {"order", "revoked", "late"}
    assert provoked == KINDS.keys() - {"down", "resources", "unanswered"}
