"""The frames of docs/protocol.md, as objects."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from millrace_client import Message
from millrace_client.frames import Ack, Failure, Synced, decode

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
RECEIVED = [
    json.loads(line) for line in re.findall(r"```json\n(.*?)\n```", DOCUMENT, re.DOTALL)[1].splitlines()
]  # the second block is what the server sends


@pytest.mark.parametrize("frame", RECEIVED, ids=lambda frame: frame["type"])
def test_every_frame_of_the_document(frame: dict[str, Any]) -> None:
    """Each is understood, with an unknown field too; `pong` answers a ping that this library has no need to send."""
    decoded = decode(json.dumps(frame | {"later": 1}))
    assert (decoded is None) == (frame["type"] == "pong")


def test_fields() -> None:
    """A message, an acknowledgement, the end of history and an error have the document's values."""
    by_type = {frame["type"]: decode(json.dumps(frame)) for frame in RECEIVED}
    client_id = "0f8fad5b-d9cb-469f-a165-70867728950e"
    ts = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert by_type["message"] == Message("lobby", 7, client_id, "hi", "ada", ts)
    assert by_type["ack"] == Ack(client_id, 7)
    assert by_type["synced"] == Synced(7, "9b2d1f8e-63a1-4d0e-8f5b-2c7c3d1f0a44")
    assert by_type["error"] == Failure("Message is empty", "bad_request", client_id)


@pytest.mark.parametrize("text", ["", "{", '{"type": "ack", "id": 7}', '{"type": "message", "seq": 1}'])
def test_broken_frames(text: str) -> None:
    """What is no frame is a ValueError, and nothing else."""
    with pytest.raises(ValueError):  # noqa: PT011 - json's own too
        decode(text)
