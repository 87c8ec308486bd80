"""Who is in a room: leases in Redis, one a socket, that expire where nobody renews them.

`presence:<room>` is a sorted set of `<sender key>|<username>|<socket id>` by the time when the lease ends. A process
renews those of all its sockets in one go; those of a killed process run out, and whoever sweeps them up tells the room.
Redis is all there is to it: without Redis nobody knows who is here, and nothing else changes.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from chassis import redis
from chassis.background import repeated
from rooms import events
from rooms.senders import Sender
from rooms.turns import Turns

logger = structlog.get_logger(__name__)

LEASE = 30.0
BEAT = 10.0
# So many people are listed by name. In a room with more of them nobody is told who comes and goes: telling each of n
# people of n arrivals is what breaks a crowded room first.
MAX_LISTED = 200
_DOWN = (RedisError, OSError, TimeoutError)
_held: set["Lease"] = set()


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody in a room, and how many sockets they have there."""

    username: str
    connections: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a new socket finds: is it its sender's first, how many people are there, and the first of them by name."""

    first: bool
    count: int
    present: list[Present]

    @property
    def told(self) -> bool:
        """True if the room is to be told: the sender was not here before, and the room is no crowd."""
        return self.first and self.count <= MAX_LISTED


class Lease:
    """One socket's place in a room."""

    __slots__ = ("member", "room", "sender")

    def __init__(self, room: str, sender: Sender) -> None:
        self.room = room
        self.sender = sender
        self.member = f"{sender.key}|{sender.username}|{uuid.uuid4().hex}"

    async def take(self) -> Arrival | None:
        """Be present from now on; None where Redis does not answer within about a second."""
        _held.add(self)
        return await _arriving.ask(self.room, self)

    async def drop(self) -> bool:
        """Be gone; True if the room is to be told: this was the sender's last socket in it, and it is no crowd.

        False also where Redis does not answer.
        """
        _held.discard(self)
        return bool(await _leaving.ask(self.room, self))


async def _take(room: str, leases: Sequence[Lease]) -> list[Arrival | None]:
    now = time.time()
    try:
        async with asyncio.timeout(redis.TIMEOUT), redis.client().pipeline(transaction=True) as pipe:
            pipe.zrangebyscore(_key(room), now, "+inf")
            _put(pipe, room, leases, now)
            before, *_ = await pipe.execute()
        await _forget(lease for lease in leases if lease not in _held)
    except _DOWN as error:
        logger.warning("presence.unavailable", reason=type(error).__name__)
        return [None] * len(leases)
    people = Counter(_person(member) for member in before)
    first = []
    for lease in leases:
        people[_person(lease.member)] += 1
        first.append(people[_person(lease.member)] == 1)
    listed = sorted((username, count) for (_, username), count in people.items())[:MAX_LISTED]
    present = [Present(*entry) for entry in listed]
    return [Arrival(each, len(people), present) for each in first]


async def _drop(room: str, leases: Sequence[Lease]) -> list[bool]:
    try:
        async with asyncio.timeout(redis.TIMEOUT), redis.client().pipeline(transaction=True) as pipe:
            for lease in leases:
                pipe.zrem(_key(room), lease.member)
            pipe.zrangebyscore(_key(room), time.time(), "+inf")
            *removed, left = await pipe.execute()
    except _DOWN as error:
        logger.warning("presence.unavailable", reason=type(error).__name__)
        return [False] * len(leases)
    here = {_person(member) for member in left}
    crowded = len(here) >= MAX_LISTED
    last = []
    for lease, was_there in zip(leases, removed, strict=True):
        person = _person(lease.member)
        last.append(bool(was_there) and person not in here and not crowded)
        # Of several that left at once one is the last.
        here.add(person)
    return last


_arriving: Turns[Lease, Arrival | None] = Turns(_take)
_leaving: Turns[Lease, bool] = Turns(_drop)


def _key(room: str) -> str:
    return f"presence:{room}"


def _person(member: str) -> tuple[str, str]:
    key, _, rest = member.partition("|")
    return key, rest.rpartition("|")[0]


def _put(pipe: Pipeline, room: str, leases: Iterable[Lease], now: float) -> None:
    pipe.zadd(_key(room), {lease.member: now + LEASE for lease in leases})
    # A room that everybody left without a word leaves no key behind.
    pipe.expire(_key(room), int(2 * LEASE))


async def renew() -> list[tuple[str, Sender]]:
    """Renew all leases of this process, and sweep their rooms: who left (room, sender) without anybody telling.

    Of several processes that sweep one room exactly one gets each lease that ran out. Raises what Redis raises.
    """
    rooms: dict[str, list[Lease]] = {}
    for lease in _held:
        rooms.setdefault(lease.room, []).append(lease)
    now = time.time()
    async with asyncio.timeout(redis.TIMEOUT), redis.client().pipeline(transaction=True) as pipe:
        for room, leases in rooms.items():
            _put(pipe, room, leases, now)
            pipe.zrangebyscore(_key(room), "-inf", f"({now}")
            pipe.zremrangebyscore(_key(room), "-inf", f"({now}")
        answers = await pipe.execute()
    await _forget(lease for leases in rooms.values() for lease in leases if lease not in _held)
    expired = {room: answers[4 * number + 2] for number, room in enumerate(rooms)}
    return [gone for room, members in expired.items() if members for gone in await _departed(room, members)]


async def _forget(dropped: Iterable[Lease]) -> None:
    # Dropped while they were being written, which may have put them back.
    for lease in dropped:
        await redis.client().zrem(_key(lease.room), lease.member)


async def _departed(room: str, expired: list[str]) -> list[tuple[str, Sender]]:
    alive = await redis.client().zrangebyscore(_key(room), time.time(), "+inf")
    here = {_person(str(member)) for member in alive}
    if len(here) >= MAX_LISTED:
        return []
    return [(room, Sender(*person)) for person in sorted({_person(member) for member in expired} - here)]


def beating() -> AbstractAsyncContextManager[None]:
    """A lifespan resource: renews this process's leases every `BEAT` seconds."""
    return repeated(beat, every=BEAT)


async def beat() -> None:
    """Renew, and tell the rooms who left; nothing where Redis does not answer."""
    if not _held:
        return
    try:
        departed = await renew()
    except _DOWN as error:
        logger.warning("presence.unavailable", reason=type(error).__name__)
        return
    for room, sender in departed:
        events.announce(room, events.LEFT, sender)
