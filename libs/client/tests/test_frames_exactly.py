"""The frames field by field: what is read from each, what is refused, and what is written."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from millrace_client import Message, Notice, Presence, Present, ResyncRequired, Typing, UserJoin, UserLeave
from millrace_client.frames import TYPING, Ack, Failure, Frame, Synced, decode, encode_message

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
MESSAGE = {
    "type": "message", "room": "lobby", "seq": 7, "id": ID, "message": "hi", "username": "ada",
    "ts": "2026-01-02T03:04:05.678901Z",
}  # fmt: skip
PRESENCE = {
    "type": "presence",
    "count": 3,
    "users": [{"username": "ada", "connections": 2}, {"username": "alan", "connections": 1}],
}
FRAMES: list[tuple[dict[str, Any], Frame]] = [
    (MESSAGE, Message("lobby", 7, ID, "hi", "ada", datetime(2026, 1, 2, 3, 4, 5, 678901, UTC))),
    (PRESENCE, Presence(3, (Present("ada", 2), Present("alan", 1)))),
    ({"type": "user_join", "username": "ada"}, UserJoin("ada")),
    ({"type": "user_leave", "username": "ada"}, UserLeave("ada")),
    ({"type": "typing", "username": "ada"}, Typing("ada")),
    ({"type": "notice", "notice": "closing at six"}, Notice("closing at six")),
    ({"type": "resync_required", "room": "lobby", "epoch": ID}, ResyncRequired("lobby", ID)),
    ({"type": "synced", "seq": 7, "epoch": ID}, Synced(7, ID)),
    ({"type": "ack", "id": ID, "seq": 7}, Ack(ID, 7)),
    ({"type": "error", "error": "Too fast", "code": "too_fast", "id": ID}, Failure("Too fast", "too_fast", ID)),
    ({"type": "error", "error": "Bad JSON", "code": "bad_request"}, Failure("Bad JSON", "bad_request", None)),
    ({"type": "error", "error": "Bad", "code": "bad_request", "id": None}, Failure("Bad", "bad_request", None)),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "expected"), FRAMES)
def test_each_field(frame: dict[str, Any], expected: Frame) -> None:
    """Every field arrives in its place, from text and from bytes."""
    assert decode(json.dumps(frame)) == decode(json.dumps(frame).encode()) == expected


@pytest.mark.parametrize("frame", [frame for frame, _ in FRAMES], ids=lambda frame: str(frame["type"]))
def test_ids_have_one_spelling(frame: dict[str, Any]) -> None:
    """An id or epoch in capitals is the same one: what is compared with it was written in small letters."""
    loud = {key: value.upper() if value == ID else value for key, value in frame.items()}
    assert decode(json.dumps(loud)) == decode(json.dumps(frame))


@pytest.mark.parametrize(
    ("frame", "missing"),
    [(frame, key) for frame, _ in FRAMES[:9] for key in frame if key != "type"],
)
def test_a_missing_field(frame: dict[str, Any], missing: str) -> None:
    """A frame without one of its fields is broken, which is said with its type."""
    rest = {key: value for key, value in frame.items() if key != missing}
    with pytest.raises(ValueError, match=f"^not a {frame['type']} frame: KeyError$"):
        decode(json.dumps(rest))


@pytest.mark.parametrize("users", [None, 5, [None], [{}]])
def test_fields_of_another_kind(users: Any) -> None:
    """A frame whose field holds something else is a ValueError too, not an error of the program."""
    with pytest.raises(ValueError, match=r"^not a presence frame: "):
        decode(json.dumps(PRESENCE | {"users": users}))


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", '"ack"', "{}", '{"type": null}', '{"type": "later"}', '{"type": []}']
)
def test_unknown_frames(text: str) -> None:
    """JSON that is no frame of this version is nothing, and no error."""
    assert decode(text) is None


def test_what_is_sent() -> None:
    """Both frames as they go over the wire; text keeps its letters, which count towards the length of a frame."""
    assert json.loads(encode_message("héllo", ID)) == {"type": "message", "message": "héllo", "id": ID}
    assert "é" in encode_message("héllo", ID)
    assert json.loads(TYPING) == {"type": "typing"}
