"""Names of replicas, and the faults that each kind of replica can have, in containers and on Kubernetes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from tests.chaos.control import ReplicaControl
from tests.chaos.nemeses import Act, Nemesis
from tests.chaos.world import World

SERVICES = ("gateway", "api", "realtime", "mock-upstream", "postgres", "redis")
_RENAMED = {"valkey": "redis"}

type Fault[C: ReplicaControl] = Callable[[C, str, float], Awaitable[str]]
type Choose = Callable[[World, str], str]


def numbered[T](found: Mapping[str, Sequence[T]]) -> dict[str, T]:
    """Each replica by the name that faults use: `api-1` and `api-2` if there are two, `redis` for the one of Valkey."""
    named = {}
    for service, several in found.items():
        base = _RENAMED.get(service, service)
        for place, replica in enumerate(several, start=1):
            named[f"{base}-{place}" if len(several) > 1 else base] = replica
    return named


def service_of(name: str) -> str:
    """`api` for `api-2`, `mock-upstream` for `mock-upstream`."""
    base, _, number = name.rpartition("-")
    return base if number.isdigit() else name


def replicas_of(service: str, names: Sequence[str]) -> list[str]:
    """The replicas of a service among these names."""
    return [name for name in names if service_of(name) == service]


async def kill(control: ReplicaControl, name: str, seconds: float) -> str:
    """Dead, and started again some seconds later."""
    await control.kill(name)
    await asyncio.sleep(seconds)
    await control.start(name)
    return f"{name} killed, and started again {seconds:.1f} s later"


async def crash(control: ReplicaControl, name: str, seconds: float) -> str:
    """It dies by itself, and what supervises it starts it again."""
    await control.kill_worker(name)
    await asyncio.sleep(seconds)
    return f"SIGKILL of all processes in {name}"


async def pause(control: ReplicaControl, name: str, seconds: float) -> str:
    """There, and silent."""
    await control.pause(name)
    try:
        await asyncio.sleep(seconds)
    finally:
        await control.resume(name)
    return f"{name} paused for {seconds:.1f} s"


async def cut(control: ReplicaControl, name: str, seconds: float) -> str:
    """It runs and cannot be reached: no packet comes back, not even a reset."""
    networks = await control.cut(name)
    try:
        await asyncio.sleep(seconds)
    finally:
        await control.mend(name)
    return f"{name} cut off from {networks} for {seconds:.1f} s"


# Longer than it takes to notice on an open connection, or not.
SECONDS = {"cut": (4.0, 16.0)}
KINDS: Mapping[str, Fault[ReplicaControl]] = {"kill": kill, "crash": crash, "pause": pause, "cut": cut}


def replica_faults[C: ReplicaControl](
    control: C, kinds: Mapping[str, Fault[C]], names: Sequence[str], *, alone: Sequence[str] = ()
) -> dict[str, Nemesis]:
    """Each kind for each service, by name: `api-kill`, `postgres-cut`. The run's seed chooses the replica.

    Kinds in `alone` are never paired, so each comes once.
    """
    return {
        f"{service}-{kind}": Nemesis(
            target=service,
            act=of_one(control, f"{service}-{kind}", act, replicas_of(service, names)),
            seconds=SECONDS.get(kind, (2.0, 4.0)),
            paired=kind not in alone,
        )
        for kind, act in kinds.items()
        for service in SERVICES
    }


def of_one[C: ReplicaControl](control: C, fault: str, act: Fault[C], names: Sequence[str]) -> Act:
    """The fault on one of these, with what it harms in the history."""

    async def inflict(world: World, seconds: float) -> str:
        name = world.rng.choice(names)
        world.history.add("hit", fault=fault, place=name, why=" ".join(await control.inside(name)))
        return await act(control, name, seconds)

    return inflict
