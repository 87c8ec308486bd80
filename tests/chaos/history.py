"""What happened, in the order in which this process saw it: one `Event` a line in `history.jsonl`.

Times are seconds of the monotonic clock since the start of the run. The kinds, and the fields each has beside `t`:

    open        client, conn, room, since (None: the newest 50), via (ws, sse), place   a connection was accepted
    message     client, conn, room, seq, id, sum     a message frame, as it came; `sum` is the checksum of its text
    frame       client, conn, room, frame            any other frame but `ack` and `error`; `frame` is its type
    close       client, conn, room, code, why        the connection is gone; without a code: cut
    refused     client, room, why                    an attempt to connect failed
    send        client, conn, room, id, via, sum     an attempt to post, also a repeated one (`conn` 0: over HTTP)
    ack         client, conn, room, id, seq          an acknowledgement
    error       client, conn, room, id, why          refused: `why` is the protocol's error code or `http <status>`
    unknown     client, conn, room, id, why          no answer: it may be stored or not
    given_up    client, room, id                     it will not be tried again
    fault_start, fault_stop   fault, why             `why` is what exactly was done, to whom
    hit         fault, place, why                    a replica or node that a fault harms, and the services on it
    healed      fault                                everything is healthy again
    revoke, revoked, grant, granted   user, room     asked, and answered: a membership was taken or given back
    request     via, place, code, took, why          one request of `asking`: method, path, status (None: no answer)
    phase       why                                  warm, faults, settle, end
    lag         code                                 this process itself was late, by so many milliseconds
"""

import time
import zlib
from pathlib import Path
from typing import Any

import msgspec


class Event(msgspec.Struct, omit_defaults=True, frozen=True):
    """One line of the history; the module says which fields a kind has."""

    t: float
    kind: str
    client: str = ""
    conn: int = 0
    room: str = ""
    id: str = ""
    seq: int | None = None
    since: int | None = None
    sum: str = ""
    via: str = ""
    place: str = ""
    frame: str = ""
    code: int | None = None
    why: str = ""
    fault: str = ""
    user: str = ""
    took: float = 0.0


def checksum(text: str) -> str:
    """Enough to see that a message is not the one that was sent."""
    return f"{zlib.crc32(text.encode()):08x}"


class History:
    """Collects events and writes them to a file as they come."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self._file = path.open("wb")
        self._encoder = msgspec.json.Encoder()
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def add(self, kind: str, **fields: Any) -> Event:
        """Record something that happened now."""
        event = Event(round(self.now(), 6), kind, **fields)
        self.events.append(event)
        self._file.write(self._encoder.encode(event) + b"\n")
        return event

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def read(path: Path) -> list[Event]:
    """The events of a `history.jsonl`."""
    decoder = msgspec.json.Decoder(Event)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]
