"""The frames of the protocol one by one: what is read, what is refused with which words, what is written."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis import errors
from realtime import frames
from rooms.access import RoomAccess
from rooms.frames import Message, Notice
from rooms.presence import Present

ID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
TEXT = str(ID)
READ = [
    ({"type": "message", "message": "hi", "id": TEXT}, frames.Post("hi", ID)),
    ({"message": "hi", "id": TEXT}, frames.Post("hi", ID)),
    ({"type": "message", "message": "hi"}, frames.Post("hi", None)),
    ({"type": "typing"}, frames.StartedTyping()),
    ({"type": "ping"}, frames.Ping()),
    ({"type": "auth", "ticket": "abc"}, frames.Authenticate("abc")),
]
WRITTEN: list[tuple[frames.ServerFrame, dict[str, Any]]] = [
    (frames.Ack(ID, 7), {"type": "ack", "id": TEXT, "seq": 7}),
    (
        frames.Presence(2, [Present("ada", 2)]),
        {"type": "presence", "count": 2, "users": [{"username": "ada", "connections": 2}]},
    ),
    (frames.Pong(), {"type": "pong"}),
    (frames.Synced("lobby", 7, ID), {"type": "synced", "room": "lobby", "seq": 7, "epoch": TEXT}),
    (frames.ResyncRequired("lobby", ID), {"type": "resync_required", "room": "lobby", "epoch": TEXT}),
    (frames.ErrorFrame("no", "conflict", ID), {"type": "error", "error": "no", "code": "conflict", "id": TEXT}),
    (Notice("hi"), {"type": "notice", "notice": "hi"}),
    (
        Message("lobby", 7, ID, "hi", "ada", datetime(2026, 1, 2, tzinfo=UTC)),
        {
            "type": "message", "room": "lobby", "seq": 7, "id": TEXT, "message": "hi", "username": "ada",
            "ts": "2026-01-02T00:00:00Z",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "expected"), READ)
def test_what_is_read(frame: dict[str, Any], expected: frames.ClientFrame) -> None:
    """Each frame of a client, by its type; one without a type is a message."""
    assert frames.decode(json.dumps(frame)) == expected


@pytest.mark.parametrize(("frame", "expected"), WRITTEN, ids=lambda each: type(each).__name__)
def test_what_is_written(frame: frames.ServerFrame, expected: dict[str, Any]) -> None:
    """Each frame of the server, with its type and its fields."""
    assert json.loads(frames.encode(frame)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "^Bad JSON$"),
        ('{"type": "message", "message": "\ud800"}', "^Bad JSON$"),
        ('{"type": "later"}', "^Unknown type$"),
        ('{"type": "message"}', r"^Bad frame: .*`message`"),
        ('{"type": "auth", "ticket": 5}', r"^Bad frame: .*\$\.ticket"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    """Words for the one who writes a client."""
    with pytest.raises(errors.BadRequest, match=words):
        frames.decode(text)


def test_the_longest_frame() -> None:
    """16 KiB as UTF-8 are read, one more byte is not; the server drops a client that sends four times as much."""
    empty = json.dumps({"message": ""})
    fits = "é" + "x" * (16384 - len(empty) - 2)
    assert frames.decode(json.dumps({"message": fits}, ensure_ascii=False)) == frames.Post(fits)
    with pytest.raises(errors.PayloadTooLarge, match=r"^Frame is longer than 16384 bytes$"):
        frames.decode(json.dumps({"message": fits + "x"}, ensure_ascii=False))
    assert (frames.MAX_BYTES, frames.HARD_MAX_BYTES) == (16384, 65536)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps({"id": TEXT, "message": 5}), ID),
        (json.dumps({"message": "hi"}), None),
        (json.dumps({"id": "nonsense"}), None),
        ("[" * 10_000, None),
        ('"\ud800"', None),
        ("{", None),
        ("", None),
        (None, None),
    ],
)
def test_the_id_of_a_refused_frame(text: str | None, expected: uuid.UUID | None) -> None:
    """The id if one can be read, whatever else is wrong; never an error."""
    assert frames.client_id(text) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BadRequest("no"), "bad_request"),
        (errors.NotFound("no"), "not_found"),
        (errors.Conflict("no"), "conflict"),
        (errors.PayloadTooLarge("no"), "too_large"),
        (errors.TooManyRequests("no", retry_after=1), "too_fast"),
        (errors.Unavailable("no", retry_after=1), "unavailable"),
        (errors.Error("no"), "internal"),
        (errors.Forbidden("no"), "internal"),
    ],
)
def test_errors(error: errors.Error, code: str) -> None:
    """Each has the code that docs/protocol.md names, its words, and the id of the message."""
    assert frames.of_error(error, ID) == frames.ErrorFrame("no", code, ID)
    assert frames.of_error(error, None) == frames.ErrorFrame("no", code)


def test_the_end_of_history() -> None:
    """What to resume with: the room, the number that was asked for, and the room's epoch."""
    room = RoomAccess(1, "lobby", "Lobby", True, 99, ID)
    assert frames.of_synced(room, 7) == frames.Synced("lobby", 7, ID)
