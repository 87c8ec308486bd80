"""The frames that all members of a room get."""

import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chassis import bus
from rooms import events, frames
from rooms.messages import StoredMessage

ID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def test_a_message() -> None:
    """Every field in its place."""
    stored = StoredMessage("lobby", 7, ID, "hi", "ada", datetime(2026, 1, 2, 3, 4, 5, 678901, UTC))
    assert msgspec.to_builtins(frames.of_message(stored)) == {
        "type": "message", "room": "lobby", "seq": 7, "id": str(ID), "message": "hi", "username": "ada",
        "ts": "2026-01-02T03:04:05.678901Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (events.JOINED, {"username": "ada", "later": 1}, {"type": "user_join", "username": "ada"}),
        (events.LEFT, {"username": "ada"}, {"type": "user_leave", "username": "ada"}),
        (events.TYPING, {"username": "ada"}, {"type": "typing", "username": "ada"}),
        (events.NOTICE, {"notice": "closing at six"}, {"type": "notice", "notice": "closing at six"}),
    ],
)
def test_what_happens_in_a_room(name: str, data: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each event for members has its frame; fields of a later release are ignored."""
    assert msgspec.to_builtins(frames.of_event(bus.Event(name, data))) == expected


@pytest.mark.parametrize("name", [events.MESSAGE, events.MEMBER_REMOVED, "room.later"])
def test_what_is_not_told(name: str) -> None:
    """Other events have none."""
    assert frames.of_event(bus.Event(name, {"username": "ada", "notice": "hi"})) is None


@pytest.mark.parametrize("data", [{}, {"username": 5}, {"name": "ada"}])
def test_an_event_of_another_shape(data: dict[str, Any]) -> None:
    """It is refused as a whole."""
    with pytest.raises(msgspec.ValidationError):
        frames.of_event(bus.Event(events.JOINED, data))
