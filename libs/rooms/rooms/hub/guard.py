"""Has members leave who may not be in their room any more.

They were let in once and may stay for hours. Events tell when a credential ends or a membership is taken, but an event
is a hint that may be lost, so PostgreSQL is asked as well: for everybody now and then, and at once for those who are in
doubt. It is one query for all of them (for each `BATCH`, where there are very many), and no connection is held in
between. Where PostgreSQL does not answer nobody is made to leave, and it is asked again.
"""

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import batched

from django.conf import settings

from chassis.background import report
from rooms import standing
from rooms.hub import metrics
from rooms.hub.seat import Seat
from rooms.standing import Place

RETRY_SECONDS = 1.0
# Places in one query: writing it takes the event loop 5 microseconds each, answering it PostgreSQL ten times that.
BATCH = 1000


class Guard:
    """Asks about `seats()`, all of this process, every `recheck` seconds; and about some of them when told to."""

    def __init__(self, seats: Callable[[], Iterable[Seat]], recheck: float | None = None) -> None:
        """By default `recheck` is RECHECK_SECONDS."""
        self._seats = seats
        self._recheck = recheck
        self._doubted: set[Seat] = set()
        self._at = float("inf")
        self._wake = asyncio.Event()

    def doubt(self, seats: Iterable[Seat], within: float = 0.0) -> None:
        """Ask about `seats` in at most `within` seconds; what is doubted meanwhile is asked in the same query."""
        self._doubted.update(seats)
        at = time.monotonic() + within
        if self._doubted and at < self._at:
            self._at = at
            self._wake.set()

    def doubt_all(self) -> None:
        """Events may have been lost: ask about everybody at once."""
        self.doubt(self._seats())

    async def watch(self) -> None:
        """Ask again and again, until cancelled."""
        everybody_at = time.monotonic() + self._period()
        self._at = min(self._at, everybody_at)
        failing = False
        while True:
            await self._due()
            if time.monotonic() >= everybody_at:
                self._doubted.update(self._seats())
                everybody_at = time.monotonic() + self._period()
            asked, self._doubted, self._at = self._doubted, set(), everybody_at
            try:
                await self._ask(asked)
                failing = False
            except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may go well
                if not failing:
                    report(error, "guard.failed", seats=len(asked))
                failing = True
                self.doubt(asked, RETRY_SECONDS)

    def _period(self) -> float:
        seconds = float(settings.RECHECK_SECONDS) if self._recheck is None else self._recheck
        # Never longer than that, and processes that were started together do not ask together.
        return seconds * random.uniform(0.75, 1)  # noqa: S311 - spreads load, hides nothing

    async def _due(self) -> None:
        while (left := self._at - time.monotonic()) > 0:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._wake.wait()

    async def _ask(self, asked: Iterable[Seat]) -> None:
        # Many sockets of one user with one session are one question.
        places: defaultdict[Place, list[Seat]] = defaultdict(list)
        for seat in asked:
            if not seat.over:
                places[seat.place].append(seat)
        for batch in batched(tuple(places), BATCH):
            lost = await standing.lost(batch)
            for place, error in lost.items():
                for seat in places[place]:
                    metrics.REMOVED.labels(error.status).inc()
                    seat.end(error)
