"""The faults, by name: each takes the world and how long it may last, and leaves everything as it was."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.chaos import network_faults, server_faults
from tests.chaos.world import World

type Act = Callable[[World, float], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nemesis:
    """`target` is what it harms: two of one target are never paired. `seconds`: from, to. `act` says what it did.

    A `scenario` is a long outage with a claim of its own (`claims.py`): it runs where it is asked for by name, or where
    there is time.
    """

    target: str
    act: Act
    seconds: tuple[float, float] = (2.0, 4.0)
    scenario: bool = False
    paired: bool = True


NEMESES: dict[str, Nemesis] = {
    "redis-kill": Nemesis(target="redis", act=server_faults.redis_kill),
    "redis-freeze": Nemesis(target="redis", act=server_faults.redis_freeze),
    "redis-clients": Nemesis(target="redis", act=server_faults.redis_clients),
    "redis-flush": Nemesis(target="redis", act=server_faults.redis_flush, seconds=(1.0, 2.0)),
    "postgres-kill": Nemesis(target="postgres", act=server_faults.postgres_kill, seconds=(1.0, 3.0)),
    "postgres-freeze": Nemesis(target="postgres", act=server_faults.postgres_freeze),
    "postgres-terminate": Nemesis(target="postgres", act=server_faults.postgres_terminate),
    "room-lock": Nemesis(target="postgres", act=server_faults.room_lock, seconds=(3.0, 5.0)),
    "realtime-kill": Nemesis(target="realtime", act=server_faults.realtime_kill, seconds=(1.0, 3.0)),
    "realtime-term": Nemesis(target="realtime", act=server_faults.realtime_term, seconds=(0.0, 1.0)),
    "realtime-roll": Nemesis(target="realtime", act=server_faults.realtime_roll, seconds=(0.0, 0.5)),
    "api-kill": Nemesis(target="api", act=server_faults.api_kill, seconds=(1.0, 3.0)),
    "api-term": Nemesis(target="api", act=server_faults.api_term, seconds=(0.0, 1.0)),
    "api-worker": Nemesis(target="api", act=server_faults.api_worker),
    "slow-readers": Nemesis(target="network", act=network_faults.slow_readers, seconds=(4.0, 6.0)),
    "half-open": Nemesis(target="network", act=network_faults.half_open),
    "dropped-acks": Nemesis(target="network", act=network_faults.dropped_acks),
    "reconnect-storm": Nemesis(target="network", act=network_faults.reconnect_storm, seconds=(1.0, 2.0)),
    "revocation": Nemesis(target="membership", act=network_faults.revocation, seconds=(3.0, 4.0), paired=False),
    "redis-dead": Nemesis(target="redis", act=server_faults.redis_kill, seconds=(60.0, 60.0), scenario=True),
    "redis-frozen": Nemesis(target="redis", act=server_faults.redis_freeze, seconds=(60.0, 60.0), scenario=True),
    "postgres-dead": Nemesis(target="postgres", act=server_faults.postgres_kill, seconds=(20.0, 20.0), scenario=True),
    "row-locked": Nemesis(target="postgres", act=server_faults.room_lock, seconds=(5.0, 5.0), scenario=True),
}


type Nemeses = Mapping[str, Nemesis]


async def inflict(world: World, name: str, seconds: float, nemeses: Nemeses = NEMESES, *, after: float = 0.0) -> None:
    """One fault, from its start to its end, in the history."""
    await asyncio.sleep(after)
    world.history.add("fault_start", fault=name)
    done = "failed"
    try:
        done = await nemeses[name].act(world, seconds)
    finally:
        world.history.add("fault_stop", fault=name, why=done)
