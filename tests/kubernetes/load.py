"""What runs during every operation: requests and sockets through the gateway, and what must hold for them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.kubernetes.cluster import sql
from tests.kubernetes.report import Figures
from tests.kubernetes.stack import API_URL, RATE, REALTIME_URL, ROOMS, SOCKETS
from tests.load.asking import Answer, Requests, requests
from tests.load.crowd import Crowd, crowd

_WARM = 2.0
# What the slowest client may need to be connected again after it was told to.
BACK_WITHIN = 5.0


@dataclass(slots=True)
class Load:
    """`since`: when the operation began, by the monotonic clock; `noted`: the same in the history's time."""

    requests: Requests
    crowd: Crowd
    since: float
    noted: float

    def failed(self, *, from_: float = 0.0, until: float = float("inf")) -> list[Answer]:
        """Requests that began in this time, in seconds since the operation began, and failed."""
        return [one for one in self.requests.failed if from_ <= one.at - self.since < until]

    def slow(self, seconds: float) -> list[Answer]:
        """Requests since the operation began that took longer."""
        return [one for one in self.requests.answers if one.at >= self.since and one.took > seconds]

    def worked(self) -> None:
        """The control: there were requests, posts and deliveries, or nothing could have failed."""
        assert self.requests.begun > 5 * len(self.crowd.members) ** 0.5
        assert len(self.requests.answers) == self.requests.begun
        assert len(self.requests.failed) < self.requests.begun * 3 / 4
        counted = self.crowd.verdict.counted
        assert counted["clients"] == len(self.crowd.members)
        assert counted["acked"] >= ROOMS
        assert counted["delivered"] >= counted["acked"]

    def nothing_lost(self) -> None:
        """No acknowledged message is missing anywhere, and none came twice or out of order."""
        self.worked()
        assert self.crowd.lost == []

    def nothing_failed(self) -> None:
        """The above, and every request succeeded."""
        self.nothing_lost()
        assert [str(one) for one in self.requests.failed] == []

    def moved(self, at_least: int) -> None:
        """`at_least` sockets were closed, all with 1012, and were back in time."""
        closes = self.crowd.closes(self.noted)
        assert len({close.client for close in closes}) >= at_least
        assert {close.code for close in closes} == {1012}
        assert max(self.crowd.returns(self.noted).values()) <= BACK_WITHIN


@contextlib.asynccontextmanager
async def load(folder: Path, figures: Figures, *, patience: float = 30.0, heal: float = 15.0) -> AsyncIterator[Load]:
    """While this lasts; on leaving, every request has its answer and every socket everything."""
    loop = asyncio.get_running_loop()
    async with crowd((API_URL, REALTIME_URL), sql, folder, rooms=ROOMS, sockets=SOCKETS, heal=heal) as seen:
        async with requests(API_URL, RATE, seen.token, fresh=0.5, patience=patience) as asked:
            await asyncio.sleep(_WARM)
            running = Load(asked, seen, loop.time(), seen.history.now())
            seen.disturb()
            yield running
            figures.seconds = loop.time() - running.since
            await asyncio.sleep(_WARM)
        seen.calm()
    figures.requests, figures.failed = asked.begun, len(asked.failed)
    figures.sockets, figures.lost = len(seen.members), len(seen.lost)
    figures.rate, figures.short = asked.reached, asked.short
