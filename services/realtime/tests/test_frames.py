"""Frames from clients: whatever comes, the socket answers and lives."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.errors import Error
from realtime import frames
from realtime.limits import TokenBucket
from rooms.access import RoomAccess

from .conftest import Connect


def json_values(*, finite: bool) -> st.SearchStrategy[Any]:
    """What `json.dumps` takes; NaN and infinities, which are not JSON, unless `finite`."""
    floats = st.floats(allow_nan=not finite, allow_infinity=not finite)
    return st.recursive(
        st.none() | st.booleans() | st.integers() | floats | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )


JSON = json_values(finite=False)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "typing", "ping", "auth", "nonsense"]) | JSON,
        "message": JSON,
        "id": JSON | st.uuids().map(str),
        "ticket": JSON,
    },
)
TEXTS = st.text() | JSON.map(json.dumps) | SHAPED.map(json.dumps)

BAD = [
    ("", "bad_request"),
    ("hi", "bad_request"),
    ("{", "bad_request"),
    ("null", "bad_request"),
    ("[]", "bad_request"),
    ("{}", "bad_request"),
    ('{"message":5}', "bad_request"),
    ('{"message":"x","id":"not-a-uuid"}', "bad_request"),
    ('{"type":5}', "bad_request"),
    ('{"type":"bus.event"}', "bad_request"),
    ('{"type":"websocket.disconnect"}', "bad_request"),
    ("[" * 10_000, "bad_request"),
    ("1e999999", "bad_request"),
    ('"\ud800"', "bad_request"),
    ('{"message":"' + "x" * frames.MAX_BYTES + '"}', "too_large"),
]


@given(TEXTS)
def test_decoding_raises_nothing_else(text: str) -> None:
    """Any text is a frame or an error that the client is told."""
    try:
        frames.decode(text)
    except Error as error:
        assert error.status in {400, 413}  # noqa: PT017 - either outcome is right, and this is what one of them must be


@given(message=st.text(), client_id=st.none() | st.uuids(), extra=st.dictionaries(st.text(), json_values(finite=True)))
def test_message_with_unknown_fields(message: str, client_id: uuid.UUID | None, extra: dict[str, Any]) -> None:
    """A message decodes to what was encoded; fields that this release does not know are ignored."""
    given_id = None if client_id is None else str(client_id)
    text = json.dumps({**extra, "type": "message", "message": message, "id": given_id})
    assert frames.decode(text) == frames.Post(message, client_id)


@pytest.mark.parametrize(("text", "code"), BAD)
async def test_bad_frame(connect: Connect, room: RoomAccess, text: str, code: str) -> None:
    """A frame that is none is answered by an error, and the socket lives."""
    socket = await connect(room.name)
    await socket.send_text(text)
    assert (await socket.next("error"))["code"] == code
    assert (await socket.post("alive"))["seq"] == 1


async def test_binary_frame(connect: Connect, room: RoomAccess) -> None:
    """A binary frame is answered by an error, and the socket lives."""
    socket = await connect(room.name)
    await socket.communicator.send_to(bytes_data=b'{"message":"hi"}')
    assert (await socket.next("error"))["error"] == "Binary frames are not understood"
    assert (await socket.post("alive"))["seq"] == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(TEXTS | st.binary(min_size=1), min_size=1, max_size=10))
async def test_no_input_ends_a_socket(connect: Connect, room: RoomAccess, sent: list[str | bytes]) -> None:
    """Any texts and bytes, one after another: the socket still posts."""
    socket, last = await connect(room.name), str(uuid.uuid4())
    for item in sent:
        key = "text" if isinstance(item, str) else "bytes"
        await socket.communicator.send_input({"type": "websocket.receive", key: item})
    await socket.send(message="alive", id=last)
    while (await socket.next("ack"))["id"] != last:
        pass
    await socket.leave()


def test_error_frame_without_id() -> None:
    """An error that is about no message has no id."""
    assert frames.encode(frames.ErrorFrame("Bad JSON", "bad_request")) == (
        b'{"type":"error","error":"Bad JSON","code":"bad_request"}'
    )


def test_bucket_refills() -> None:
    """A bucket allows its burst at once and then its rate; a refusal costs nothing."""
    now = 0.0
    bucket = TokenBucket(2, 10, clock=lambda: now)
    assert [bucket.take() for _ in range(4)] == [True, True, False, False]
    now = 0.1
    assert [bucket.take(), bucket.take()] == [True, False]
    now = 60.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
