"""What a nemesis may do to the processes of a deployment. Each way to run it has a `Control` of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

POSTGRES, REDIS, API = "postgres", "redis", "api"
REALTIME = ("realtime-1", "realtime-2")
SERVICES = (POSTGRES, REDIS, API, *REALTIME)


@dataclass(frozen=True, slots=True)
class Reading:
    """What all processes of a service hold now; `rss` in bytes."""

    processes: int
    rss: int
    threads: int
    files: int


class Control(Protocol):
    """Services are named as the deployment names them."""

    async def kill(self, service: str) -> None:
        """SIGKILL, all of its processes; it stays down until `start`. Returns when it is gone."""

    async def terminate(self, service: str) -> None:
        """SIGTERM; it stays down until `start`. Returns when it is gone."""

    async def start(self, service: str) -> None:
        """Bring back what was killed or terminated. Returns at once; `healthy` tells."""

    async def kill_worker(self, service: str) -> None:
        """SIGKILL what does a service's work; whoever supervises that replaces it, unasked."""

    async def pause(self, service: str) -> None:
        """None of its processes runs."""

    async def resume(self, service: str) -> None:
        """They go on."""

    async def healthy(self, service: str) -> bool:
        """Whether it answers its health check now."""

    async def reading(self, service: str) -> Reading:
        """What it holds now."""

    async def resume_all(self) -> None:
        """For the end of a run, however it ends: nothing stays paused."""


class ReplicaControl(Control, Protocol):
    """What a nemesis may do to replicas behind a gateway, and to the machines that they run on."""

    async def cut(self, service: str) -> str:
        """Silently off the network. Returns which networks."""

    async def mend(self, service: str) -> None:
        """On the network again."""

    async def inside(self, name: str) -> Sequence[str]:
        """The services that a fault of `name` harms: its own, or all that run on a machine of that name."""


# For `sh -c` in a container: what `reading_of` reads.
HOLDS = "cat /proc/[0-9]*/status 2>/dev/null; echo Files: $(ls -1 /proc/[0-9]*/fd 2>/dev/null | grep -c '^[0-9]')"


def reading_of(text: str) -> Reading:
    """The sums over all processes, from what `HOLDS` printed."""
    lines = [line.split() for line in text.splitlines()]

    def total(field: str) -> int:
        return sum(int(line[1]) for line in lines if line and line[0] == field)

    processes = sum(bool(line) and line[0] == "Name:" for line in lines)
    return Reading(processes, total("VmRSS:") * 1024, total("Threads:"), total("Files:"))
