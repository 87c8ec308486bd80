"""What every kind of client is: one place in one room, found again after every break, and a log of every frame.

A client here is a thin recorder. It drops nothing and puts nothing in order, so that whatever a server sends wrongly is
seen. A client library with an opinion can be one more kind: a `Member` whose `session` drives it and logs what its
callback gets.
"""

import asyncio
import json
import random
from typing import Any

from tests.chaos.history import History, checksum
from tests.chaos.people import Person

# A client that is closed with one of these waits until it is a member again.
SHUT_OUT = {4003, 403}
_LONGEST_PAUSE = 1.0


class Refused(Exception):
    """An attempt to connect failed; `code` where the server gave one."""

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


class Member:
    """One client; subclasses have a `session`, from connecting to the end of that connection."""

    kind = ""

    def __init__(
        self, name: str, room: str, epoch: str, person: Person | None, history: History, rng: random.Random
    ) -> None:
        self.name = name
        self.room = room
        self.person = person
        self.history = history
        self.rng = rng
        self.conn = 0
        self.last: int | None = None
        # Known beforehand: a connection may break after its first message and before `synced` has told.
        self.epoch = epoch
        self.admitted = asyncio.Event()
        self.admitted.set()
        self.shut_out = False
        self.answers: dict[str, asyncio.Future[str]] = {}
        self.online = asyncio.Event()

    async def run(self) -> None:
        """Connect, record, and come back, until cancelled."""
        failures = 0
        while True:
            await self.admitted.wait()
            try:
                code = await self.session()
                failures = 0
            except Refused as error:
                code = error.code
                self.record("refused", why=str(error))
                failures += 1
            finally:
                self.offline()
            if code in SHUT_OUT:
                self.shut_out = True
                self.admitted.clear()
            await asyncio.sleep(self.rng.uniform(0, min(_LONGEST_PAUSE, 0.05 * 2 ** min(failures, 6))))

    async def session(self) -> int | None:
        """One connection, to its end; returns the close code. Raises `Refused`."""
        raise NotImplementedError

    def readmit(self) -> None:
        """It is a member again, and may come back."""
        self.shut_out = False
        self.admitted.set()

    def record(self, kind: str, **fields: Any) -> None:
        """Add to the history."""
        self.history.add(kind, client=self.name, **{"room": self.room, **fields})

    def opened(self, place: str) -> None:
        """A connection was accepted at `place`."""
        self.conn += 1
        self.record("open", conn=self.conn, since=self.last, via=self.kind, place=place)

    def offline(self) -> None:
        """Nothing that waits for an answer on this connection gets one."""
        self.online.clear()
        for answer in self.answers.values():
            if not answer.done():
                answer.set_result("cut")

    def frame(self, text: str) -> None:
        """Record one frame as it came."""
        frame = json.loads(text)
        kind, room = frame.get("type", "?"), frame.get("room", self.room)
        if kind == "message":
            checked = checksum(frame["message"])
            self.record("message", conn=self.conn, room=room, seq=frame["seq"], id=frame["id"], sum=checked)
            self.last = max(self.last or 0, frame["seq"])
        elif kind == "ack":
            self.record("ack", conn=self.conn, id=frame["id"], seq=frame["seq"])
            self._answer(frame["id"], "")
        elif kind == "error":
            self.record("error", conn=self.conn, id=frame.get("id", ""), why=frame.get("code", "?"))
            self._answer(frame.get("id", ""), frame.get("code", "?"))
        else:
            self.record("frame", conn=self.conn, room=room, frame=kind, seq=frame.get("seq"))
            if kind == "synced":
                self.last = frame["seq"] if self.last is None else self.last
                self.online.set()

    def _answer(self, client_id: str, outcome: str) -> None:
        answer = self.answers.get(client_id)
        if answer is not None and not answer.done():
            answer.set_result(outcome)
