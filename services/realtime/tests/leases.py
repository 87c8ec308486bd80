"""Leases of presence as they are in Redis, and an end of them that no test has to wait for."""

from collections.abc import Collection
from typing import Any

from rooms.access import RoomAccess

# Seconds. The machine may hold up a process for almost that long before it looks dead to the others.
LEASE = 60
# For `adjusted.py`: the leases are renewed, and the rooms swept, several times a second.
LEASE_ENV = {"PRESENCE_LEASE": str(LEASE), "BEATS": str(4 * LEASE)}


async def now_of(redis: Any) -> float:
    """The time by the clock of Redis, in seconds."""
    seconds, microseconds = await redis.time()
    return float(seconds + microseconds / 1_000_000)


async def leases(redis: Any, room: RoomAccess) -> dict[str, float]:
    """The leases in a room, and the times when they end."""
    return dict(await redis.zrange(f"presence:{room.name}", 0, -1, withscores=True))


async def run_out(redis: Any, room: RoomAccess, members: Collection[str]) -> None:
    """Have the leases of killed processes end now, which would have ended within `LEASE` seconds."""
    ends, latest = await leases(redis, room), await now_of(redis) + LEASE
    assert members
    assert all(ends[member] <= latest for member in members)
    for member in members:
        sender = member.partition("|")[0]
        for key in (f"presence:{room.name}", f"sockets:{sender}"):
            await redis.zadd(key, {member: 0}, xx=True)
