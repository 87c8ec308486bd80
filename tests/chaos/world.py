"""What a nemesis has its hands on."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.control import SERVICES, Control
from tests.chaos.database import Database
from tests.chaos.history import History
from tests.chaos.proxy import Link, Proxy
from tests.chaos.workload import Workload

_SERVICES_DEADLINE = 90.0
# A half-open socket is noticed after 50 s.
QUIET = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One way to run the stack, as it runs.

    `ports` are the ways in, by name, on the loopback address; `origin` is what a browser would send.
    `silence`: seconds without a byte after which a client takes its connection for dead.
    `quiet`: seconds in which everything has to be given back at the end.
    """

    control: Control
    database: Database
    ports: Mapping[str, int]
    origin: str
    redis_url: str = ""
    services: Sequence[str] = SERVICES
    silence: float | None = None
    quiet: float = QUIET


@dataclass(slots=True)
class World:
    """The deployment, the network and the clients of one run. `done` collects what was done, for the history."""

    control: Control
    database: Database
    redis_url: str
    proxies: dict[str, Proxy]
    workload: Workload
    history: History
    rng: random.Random
    services: Sequence[str] = SERVICES

    def links(self, share: float = 1.0, *, sockets_only: bool = False) -> list[Link]:
        """Some of the connections that are open, in a random order."""
        proxies = [proxy for name, proxy in self.proxies.items() if not (sockets_only and name == "api")]
        found = [link for proxy in proxies for link in proxy.links]
        self.rng.shuffle(found)
        return found[: max(1, round(len(found) * share))]

    async def healthy(self, *services: str) -> None:
        """Waits until all are (these services, or every one). Raises `TimeoutError`: a service that stays down."""
        deadline = time.monotonic() + _SERVICES_DEADLINE
        await asyncio.gather(*(self._healthy(service, deadline) for service in services or self.services))

    async def _healthy(self, service: str, deadline: float) -> None:
        while not await self.control.healthy(service):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{service} did not come back within {_SERVICES_DEADLINE:g} s")
            await asyncio.sleep(0.1)
