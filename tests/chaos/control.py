"""What a nemesis may do to the processes of a deployment. Another way to run it (containers) is another `Control`."""

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
