"""`Control` over containers: what the engine's command line does to them."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

from tests.chaos.control import HOLDS, POSTGRES, Reading, reading_of
from tests.chaos.database import Database
from tests.chaos.replicas import numbered, service_of
from tests.containers.engine import Container, containers, docker

from devstack.health import healthy

# Networks of the deployment; a suite's own ways in stay.
_CUT = {"gateway": ("back",), "mock-upstream": ("back",), "postgres": ("data",), "redis": ("data",)}
_BOTH = ("back", "data")
# All processes but the one that waits for them, which then ends too.
_KILL_ALL = "kill -9 -1"


def replicas() -> dict[str, Container]:
    """Each container by the name that faults use."""
    found: dict[str, list[Container]] = {}
    for container in sorted(containers(), key=lambda container: container.number):
        found.setdefault(container.service, []).append(container)
    return numbered(found)


class ContainerControl:
    """Nothing here is done from inside but the killing of processes, which no engine does; all are of one run."""

    def __init__(self, named: Mapping[str, Container], database: Database, ways_in: Mapping[str, str]) -> None:
        """`ways_in`: addresses of a service that have to answer too before it counts as healthy."""
        self._named = named
        self._database = database
        self._ways_in = ways_in
        self._paused: set[str] = set()
        self._cut: dict[str, dict[str, Any]] = {}
        # The last part of addresses that nobody else has: the engine gives those of the upper half.
        self._addresses = itertools.count(20)

    async def _docker(self, *arguments: str, check: bool = True) -> int:
        return (await asyncio.to_thread(docker, *arguments, check=check)).returncode

    async def kill(self, service: str) -> None:
        await self._docker("kill", self._named[service].id)

    async def terminate(self, service: str) -> None:
        await self._docker("stop", "-t", "20", self._named[service].id)

    async def start(self, service: str) -> None:
        await self._docker("start", self._named[service].id)

    async def kill_worker(self, service: str) -> None:
        # The shell is spared by its own signal, and dies with the container.
        await self._docker("exec", self._named[service].id, "bash", "-c", _KILL_ALL, check=False)

    async def pause(self, service: str) -> None:
        self._paused.add(service)
        await self._docker("pause", self._named[service].id)

    async def resume(self, service: str) -> None:
        await self._docker("unpause", self._named[service].id)
        self._paused.discard(service)

    async def cut(self, service: str) -> str:
        """Off the networks of the deployment; returns their names."""
        container = self._named[service]
        wanted = _CUT.get(service, _BOTH)
        here = container.refreshed().facts["NetworkSettings"]["Networks"]
        lost = {name: facts for name, facts in here.items() if name.rsplit("_", 1)[-1] in wanted}
        self._cut[service] = lost
        for name in lost:
            await self._docker("network", "disconnect", name, container.id)
        return " and ".join(sorted(name.rsplit("_", 1)[-1] for name in lost))

    async def mend(self, service: str) -> None:
        """On them again, under the names that it had.

        At another address, as after a move, unless it had a fixed one or the network takes no wishes (`data`).
        """
        container = self._named[service]
        for name, facts in self._cut.get(service, {}).items():
            names = [word for alias in facts["Aliases"] or [] for word in ("--alias", alias)]
            address = (facts["IPAMConfig"] or {}).get("IPv4Address")
            if not address and name.endswith("_back"):
                address = f"{facts['IPAddress'].rpartition('.')[0]}.{next(self._addresses)}"
            wish = ("--ip", address) if address else ()
            await self._docker("network", "connect", *names, *wish, name, container.id)
        self._cut.pop(service, None)

    async def resume_all(self) -> None:
        for service in list(self._paused):
            await self.resume(service)
        for service in list(self._cut):
            await self.mend(service)

    async def healthy(self, service: str) -> bool:
        """What the engine says and, since that is up to 10 s old, what the container's own check says now."""
        container = await asyncio.to_thread(self._named[service].refreshed)
        state = container.facts["State"]
        if not state["Running"] or state["Paused"] or state["Health"]["Status"] != "healthy":
            return False
        kind, *test = container.facts["Config"]["Healthcheck"]["Test"]
        asked = test if kind == "CMD" else ["sh", "-c", *test]
        if await self._docker("exec", container.id, *asked, check=False) != 0:
            return False
        if service == POSTGRES:
            return await self._database.healthy()
        return service not in self._ways_in or await healthy(self._ways_in[service])

    async def reading(self, service: str) -> Reading:
        return reading_of((await asyncio.to_thread(docker, "exec", self._named[service].id, "sh", "-c", HOLDS)).stdout)

    async def inside(self, name: str) -> tuple[str, ...]:
        return (service_of(name),)
