"""Faults between clients and services, and a membership that is taken."""

import asyncio
import time

from tests.chaos.member import Member
from tests.chaos.people import DONE
from tests.chaos.workload import Workload
from tests.chaos.world import World

# Seconds within which a client that was shut out has been told so.
_NOTICE = 10.0
# Seconds within which a membership can be given back.
_PATIENCE = 60.0


async def slow_readers(world: World, seconds: float) -> str:
    """Half of the sockets and streams stop reading, while one room is flooded: some are felt by the server."""
    stalled = world.links(0.5)
    for link in stalled:
        link.stall()
    world.workload.flooded = world.rng.choice(list(world.workload.rooms))
    try:
        await asyncio.sleep(seconds)
    finally:
        world.workload.flooded = ""
        for link in stalled:
            link.unstall()
    return f"{len(stalled)} connections did not read for {seconds:.1f} s"


async def half_open(world: World, seconds: float) -> str:
    """A third of the sockets: the client comes back on another connection, and the server hears nothing of it."""
    forsaken = world.links(0.33, sockets_only=True)
    for link in forsaken:
        link.forsake()
    await asyncio.sleep(seconds)
    return f"{len(forsaken)} sockets left half-open"


async def dropped_acks(world: World, seconds: float) -> str:
    """Again and again some connections lose what the server says, then break: sent, stored, never acknowledged."""
    cut, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        victims = world.links(0.2)
        for link in victims:
            link.deafen()
        await asyncio.sleep(world.rng.uniform(0.3, 0.7))
        for link in victims:
            link.abort()
        cut += len(victims)
    return f"{cut} connections lost what was said, and broke"


async def reconnect_storm(world: World, seconds: float) -> str:
    """Everybody is cut at once and comes back at once."""
    links = world.links()
    for link in links:
        link.abort()
    await asyncio.sleep(seconds)
    return f"{len(links)} connections cut at once"


async def revocation(world: World, seconds: float) -> str:
    """A member of the private room is shut out and, most of the time, taken back."""
    workload = world.workload
    inside = [member for member in workload.revocable if not member.shut_out]
    if not inside:
        return "nobody left to shut out"
    member = world.rng.choice(inside)
    name = member.person.username if member.person else ""
    member.record("revoke", user=name)
    status = await workload.office.set_member(workload.staff, member.room, name, member=False)
    if status not in DONE:
        # Perhaps it was done and perhaps not, so nothing is claimed.
        await _take_back(workload, member, name)
        return f"the api answered {status}: not done"
    member.record("revoked", user=name)
    await asyncio.sleep(seconds)
    deadline = time.monotonic() + _NOTICE
    while not member.shut_out and time.monotonic() < deadline:  # noqa: ASYNC110 - whatever tells it
        await asyncio.sleep(0.1)
    if world.rng.random() < 0.25:
        return f"{member.name} shut out for good"
    member.record("grant", user=name)
    await _take_back(workload, member, name)
    member.record("granted", user=name)
    return f"{member.name} shut out for {seconds:.1f} s"


async def _take_back(workload: Workload, member: Member, name: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            if await workload.office.set_member(workload.staff, member.room, name, member=True) in DONE:
                break
            await asyncio.sleep(0.5)
    member.readmit()
