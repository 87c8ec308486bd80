"""Who is in a room: leases in Redis, one a socket, that expire where nobody renews them.

`presence:<room>` is a sorted set of `<sender key>|<username>|<socket id>` by the time when the lease ends. A process
renews those of all its sockets in one go; those of a killed process run out, and whoever sweeps them up tells the room.
`sockets:<sender key>` has the same leases of one user, in all rooms: how many sockets they have, in all processes.
Without Redis no process knows who is here, and nothing else changes. Only the clock of Redis counts: a process whose
clock is wrong must neither end the leases of others nor keep its own.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog
from django.conf import settings
from redis.asyncio.client import Pipeline

from chassis import redis
from chassis.background import repeated
from coalescing import Batcher
from rooms import events
from rooms.senders import Sender

logger = structlog.get_logger(__name__)

# So many renewals a lease: one may fail, and one be late.
BEATS = 3
# So many people are listed by name. In a room with more of them nobody is told who comes and goes: telling each of n
# people of n arrivals is what breaks a crowded room first.
MAX_LISTED = 200
_NOW = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
"""
# Each is for one key, and several of them make a transaction: `_ALIVE` returns the members whose lease has not ended,
# `_SWEEP` removes and returns the others.
_ALIVE = f"{_NOW} return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')"
_SWEEP = f"""{_NOW}
local before = string.format('(%.6f', now)
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', before)
return ended
"""
# Gives members (from the second argument on) a lease of the seconds in the first. A key of members that left without
# a word expires. One by one, because Lua passes a few thousand arguments at most.
_PUT = f"""{_NOW}
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('EXPIRE', KEYS[1], math.floor(2 * ARGV[1]))
"""
_held: set["Lease"] = set()
# Dropped while Redis did not answer, and when: the next renewal ends them there.
_unended: dict["Lease", float] = {}


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody in a room, and how many sockets they have there."""

    username: str
    connections: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a new socket finds: is it its sender's first, how many people are there, and the first of them by name.

    `sockets` is how many its user has, this one included, in all rooms and processes. A guest has one: each socket of
    a guest is another guest.
    """

    first: bool
    count: int
    present: list[Present]
    sockets: int = 1

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
        return await _arriving.load(self.room, self)

    @property
    def counted(self) -> bool:
        """True for a socket of a user."""
        return self.sender.user_id is not None

    async def drop(self) -> bool:
        """Be gone; True if the room is to be told: this was the sender's last socket in it, and it is no crowd.

        False also where Redis does not answer.
        """
        _held.discard(self)
        return await _leaving.load(self.room, self)


async def _take(room: str, leases: Sequence[Lease]) -> list[Arrival | None]:
    of_users: dict[str, list[Lease]] = {}
    for lease in leases:
        if lease.counted:
            of_users.setdefault(_sockets(lease.sender), []).append(lease)
    try:
        async with asyncio.timeout(redis.TIMEOUT), redis.client().pipeline(transaction=True) as pipe:
            pipe.eval(_ALIVE, 1, _key(room))
            # Counted in the same transaction that adds these: of two that arrive at once one is the first.
            for key in of_users:
                pipe.eval(_SWEEP, 1, key)
                pipe.zcard(key)
            _put(pipe, _key(room), leases)
            for key, own in of_users.items():
                _put(pipe, key, own)
            before, *answers = await pipe.execute()
        await _forget(lease for lease in leases if lease not in _held)
    except redis.UNAVAILABLE as error:
        logger.warning("presence.unavailable", reason=type(error).__name__)
        return [None] * len(leases)
    sockets = dict(zip(of_users, answers[1 : 2 * len(of_users) : 2], strict=True))
    return list(_arrivals(leases, before, sockets))


def _arrivals(leases: Sequence[Lease], before: Iterable[str], sockets: dict[str, int]) -> Iterator[Arrival]:
    people = Counter(_person(member) for member in before)
    firsts = []
    for lease in leases:
        people[_person(lease.member)] += 1
        firsts.append(people[_person(lease.member)] == 1)
    listed = sorted((username, count) for (_, username), count in people.items())[:MAX_LISTED]
    present = [Present(*entry) for entry in listed]
    for lease, first in zip(leases, firsts, strict=True):
        key = _sockets(lease.sender)
        if lease.counted:
            sockets[key] += 1
        yield Arrival(first, len(people), present, sockets.get(key, 1))


async def _drop(room: str, leases: Sequence[Lease]) -> list[bool]:
    try:
        async with asyncio.timeout(redis.TIMEOUT), redis.client().pipeline(transaction=True) as pipe:
            for lease in leases:
                pipe.zrem(_key(room), lease.member)
            pipe.eval(_ALIVE, 1, _key(room))
            for lease in leases:
                pipe.zrem(_sockets(lease.sender), lease.member)
            answers = await pipe.execute()
    except redis.UNAVAILABLE as error:
        logger.warning("presence.unavailable", reason=type(error).__name__)
        _unended.update(dict.fromkeys(leases, time.monotonic()))
        return [False] * len(leases)
    removed, left = answers[: len(leases)], answers[len(leases)]
    here = {_person(member) for member in left}
    crowded = len(here) >= MAX_LISTED
    last = []
    for lease, was_there in zip(leases, removed, strict=True):
        person = _person(lease.member)
        last.append(bool(was_there) and person not in here and not crowded)
        # Of several that left at once one is the last.
        here.add(person)
    return last


_arriving: Batcher[Lease, Arrival | None] = Batcher(_take)
_leaving: Batcher[Lease, bool] = Batcher(_drop)


def _key(room: str) -> str:
    return f"presence:{room}"


def _sockets(sender: Sender) -> str:
    return f"sockets:{sender.key}"


def _person(member: str) -> tuple[str, str]:
    key, _, rest = member.partition("|")
    return key, rest.rpartition("|")[0]


def _put(pipe: Pipeline, key: str, leases: Iterable[Lease]) -> None:
    pipe.eval(_PUT, 1, key, str(settings.PRESENCE_LEASE), *(lease.member for lease in leases))


async def renew() -> list[tuple[str, Sender]]:
    """Renew all leases of this process, and sweep their rooms: who left (room, sender) without anybody telling.

    Of several processes that sweep one room exactly one gets each lease that ran out. Raises what Redis raises.
    """
    held, ended = set(_held), _lately_unended()
    rooms = sorted({lease.room for lease in held | ended})
    async with asyncio.timeout(redis.TIMEOUT), redis.client().pipeline(transaction=True) as pipe:
        _renew(pipe, held)
        for lease in ended:
            # Over, and still there: the sweep finds it, and whose last one it was is told.
            pipe.zadd(_key(lease.room), {lease.member: 0}, xx=True)
            pipe.zrem(_sockets(lease.sender), lease.member)
        before = len(pipe)
        for room in rooms:
            pipe.eval(_SWEEP, 1, _key(room))
        answers = await pipe.execute()
    for lease in ended:
        _unended.pop(lease, None)
    await _forget(held - _held)
    expired = dict(zip(rooms, answers[before:], strict=True))
    return [gone for room, members in expired.items() if members for gone in await _departed(room, members)]


def _lately_unended() -> set[Lease]:
    now = time.monotonic()
    # Earlier ones have run out by themselves.
    for lease in [lease for lease, ended in _unended.items() if ended < now - settings.PRESENCE_LEASE]:
        del _unended[lease]
    return set(_unended)


def _renew(pipe: Pipeline, held: Iterable[Lease]) -> None:
    keys: dict[str, list[Lease]] = {}
    for lease in held:
        keys.setdefault(_key(lease.room), []).append(lease)
        if lease.counted:
            keys.setdefault(_sockets(lease.sender), []).append(lease)
    for key, leases in keys.items():
        _put(pipe, key, leases)


async def _forget(dropped: Iterable[Lease]) -> None:
    # Dropped while they were being written, which may have put them back.
    for lease in dropped:
        await redis.client().zrem(_key(lease.room), lease.member)
        await redis.client().zrem(_sockets(lease.sender), lease.member)


async def _departed(room: str, expired: list[str]) -> list[tuple[str, Sender]]:
    alive: list[str] = await redis.client().eval(_ALIVE, 1, _key(room))
    here = {_person(member) for member in alive}
    if len(here) >= MAX_LISTED:
        return []
    return [(room, Sender(*person)) for person in sorted({_person(member) for member in expired} - here)]


def beating() -> AbstractAsyncContextManager[None]:
    """A lifespan resource: renews this process's leases, `BEATS` times before they would run out."""
    return repeated(beat, every=settings.PRESENCE_LEASE / BEATS)


async def beat() -> None:
    """Renew, and tell the rooms who left; nothing where Redis does not answer."""
    if not (_held or _unended):
        return
    try:
        departed = await renew()
    except redis.UNAVAILABLE as error:
        logger.warning("presence.unavailable", reason=type(error).__name__)
        return
    for room, sender in departed:
        events.announce(room, events.LEFT, sender)
