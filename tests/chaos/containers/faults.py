"""The faults of containers: each kind for each service, whose replica the run's seed chooses."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tests.chaos.containers.control import ContainerControl
from tests.chaos.nemeses import Act, Nemesis
from tests.chaos.world import World

SERVICES = ("gateway", "api", "realtime", "mock-upstream", "postgres", "redis")
type Fault = Callable[[ContainerControl, str, float], Awaitable[str]]


async def _kill(control: ContainerControl, name: str, seconds: float) -> str:
    """The engine takes it for somebody's wish, so somebody starts it again."""
    await control.kill(name)
    await asyncio.sleep(seconds)
    await control.start(name)
    return f"docker kill of {name}, down for {seconds:.1f} s"


async def _crash(control: ContainerControl, name: str, seconds: float) -> str:
    """It dies by itself, and nobody does anything."""
    await control.kill_worker(name)
    await asyncio.sleep(seconds)
    return f"SIGKILL of all processes in {name}"


async def _pause(control: ContainerControl, name: str, seconds: float) -> str:
    """There, and silent."""
    await control.pause(name)
    try:
        await asyncio.sleep(seconds)
    finally:
        await control.resume(name)
    return f"docker pause of {name} for {seconds:.1f} s"


async def _cut(control: ContainerControl, name: str, seconds: float) -> str:
    """It runs, and nobody reaches it: no packet comes back, not even a reset."""
    networks = await control.cut(name)
    try:
        await asyncio.sleep(seconds)
    finally:
        await control.mend(name)
    return f"docker network disconnect of {name} from {networks} for {seconds:.1f} s"


# Longer than it takes to notice on an open connection, or not.
_SECONDS = {"cut": (4.0, 16.0)}
KINDS: dict[str, Fault] = {"kill": _kill, "crash": _crash, "pause": _pause, "cut": _cut}


def container_faults(control: ContainerControl, names: Sequence[str]) -> dict[str, Nemesis]:
    """By name: `api-kill`, `postgres-cut`. `names` are those of the containers."""
    return {
        f"{service}-{kind}": Nemesis(
            target=service,
            act=_of_one(control, fault, _replicas(service, names)),
            seconds=_SECONDS.get(kind, (2.0, 4.0)),
        )
        for kind, fault in KINDS.items()
        for service in SERVICES
    }


def _replicas(service: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if name == service or name.rstrip("0123456789") == f"{service}-"]


def _of_one(control: ContainerControl, fault: Fault, replicas: Sequence[str]) -> Act:
    async def act(world: World, seconds: float) -> str:
        return await fault(control, world.rng.choice(replicas), seconds)

    return act
