"""What the services hold before and after: memory, threads, files, database sessions."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.chaos.control import API, REALTIME, REDIS, Control, Reading
from tests.chaos.facts import Finding

type Sessions = Callable[[], Awaitable[Mapping[str, int]]]
type Groups = Mapping[str, tuple[str, ...]]

# Clients go to whichever process is there, so that only the two realtime processes together can be compared.
GROUPS: Groups = {"api": (API,), "realtime": REALTIME, "redis": (REDIS,)}
# A process's pools: asynchronous and synchronous connections (`DATABASE_POOL_MAX` each), threads (`SYNC_THREADS`).
_POOL = 8
# Connections that each of the four processes may have to publish (`pubsub_layer.shard.PUBLISHERS`).
_PUBLISHERS = 4 * 32
_MEMORY = 96 * 2**20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What each group holds, and the sessions that each service has in PostgreSQL."""

    groups: Mapping[str, Reading]
    sessions: Mapping[str, int]


async def snapshot(control: Control, sessions: Sessions, groups: Groups = GROUPS) -> Snapshot:
    """What is held now."""
    held = {}
    for name, services in groups.items():
        readings = [await control.reading(service) for service in services]
        held[name] = Reading(
            sum(reading.processes for reading in readings),
            sum(reading.rss for reading in readings),
            sum(reading.threads for reading in readings),
            sum(reading.files for reading in readings),
        )
    return Snapshot(held, await sessions())


async def settled(
    control: Control, sessions: Sessions, before: Snapshot, within: float, groups: Groups = GROUPS
) -> Snapshot:
    """What is held once it is within bounds, or when the time is over."""
    deadline = time.monotonic() + within
    while True:
        after = await snapshot(control, sessions, groups)
        if not compared(before, after) or time.monotonic() > deadline:
            return after
        await asyncio.sleep(1)


def compared(before: Snapshot, after: Snapshot) -> list[Finding]:
    """What was not given back. A pool may be fuller than before, up to its maximum: that is no leak."""
    findings = []
    for name, then in before.groups.items():
        now = after.groups[name]
        bounds = {
            "bytes of memory": (now.rss, then.rss * 1.5 + _MEMORY),
            "threads": (now.threads, then.threads + now.processes * _POOL),
            "open files": (now.files, then.files + now.processes * 2 * _POOL + (_PUBLISHERS if name == "redis" else 0)),
            "processes": (now.processes, then.processes),
        }
        for what, (have, bound) in bounds.items():
            if have > bound:
                findings.append(Finding("resources", f"{name}: {have:.0f} {what}, bound {bound:.0f}"))
    for name, count in after.sessions.items():
        bound = 0 if name == "stuck" else 4 * _POOL
        if count > bound:
            findings.append(Finding("resources", f"PostgreSQL: {count} sessions of {name}, bound {bound}"))
    return findings
