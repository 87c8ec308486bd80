"""The message that every fan-out peer sends: the fields that Millrace's have, so the bytes are as many."""

import datetime
import itertools
import json
import uuid
from typing import Any

_numbers = itertools.count(1)


def message(room: str, text: str) -> dict[str, Any]:
    """A message with the next number."""
    return {
        "type": "message",
        "room": room,
        "seq": next(_numbers),
        "id": str(uuid.uuid4()),
        "message": text,
        "username": "guest-1a2b",
        "ts": datetime.datetime.now(datetime.UTC).isoformat(),
    }


READY = json.dumps({"type": "synced"})
