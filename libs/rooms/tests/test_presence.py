"""Presence: leases that expire, counts of sockets, and who is told of a departure."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from channels.layers import get_channel_layer

from chassis import bus, redis
from rooms import events, names, presence
from rooms.access import RoomAccess
from rooms.presence import Arrival, Lease, Present
from rooms.senders import Sender, new_guest
from testing.resetting_proxy import ResettingProxy
from testing.waiting import eventually

ADA = Sender("user:1", "ada", 1)
GRACE = Sender("user:2", "gr|ace", 2)
ROOM = "presence_room"


@pytest_asyncio.fixture(autouse=True)
async def _clean(clean_redis: Any) -> None:
    presence._held.clear()
    presence._unended.clear()


async def expire(lease: Lease) -> None:
    """Make a lease run out, as that of a killed process does."""
    presence._held.discard(lease)
    await redis.client().zadd(f"presence:{lease.room}", {lease.member: 1.0})
    await redis.client().zadd(f"sockets:{lease.sender.key}", {lease.member: 1.0})


async def test_first_and_last() -> None:
    """Two sockets of a user are one person: the first one counts as arriving, the last one as leaving."""
    one, two = Lease(ROOM, ADA), Lease(ROOM, ADA)
    assert await one.take() == Arrival(True, 1, [Present("ada", 1)])
    assert await two.take() == Arrival(False, 1, [Present("ada", 2)], sockets=2)
    assert [await one.drop(), await two.drop()] == [False, True]


async def test_everybody_by_name() -> None:
    """Whoever arrives sees who is there, whatever characters are in their names; rooms are apart."""
    await Lease(ROOM, GRACE).take()
    await Lease("another", new_guest()).take()
    assert await Lease(ROOM, ADA).take() == Arrival(True, 2, [Present("ada", 1), Present("gr|ace", 1)])


async def test_long_lists_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of a crowded room is cut, its count is not."""
    monkeypatch.setattr(presence, "MAX_LISTED", 2)
    for _ in range(3):
        arrival = await Lease(ROOM, new_guest()).take()
    assert arrival is not None
    assert (arrival.count, len(arrival.present)) == (3, 2)


async def test_crowds_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more people are than the list names, nobody is told who comes and goes."""
    monkeypatch.setattr(presence, "MAX_LISTED", 2)
    leases = [Lease(ROOM, new_guest()) for _ in range(4)]
    arrivals = [await lease.take() for lease in leases]
    assert [arrival.told for arrival in arrivals if arrival] == [True, True, False, False]
    assert [await lease.drop() for lease in leases] == [False, False, True, True]


async def test_many_at_once() -> None:
    """Those who come or go at the same moment share round trips, and each is told what it would be told alone."""
    before = await commands()
    leases = [Lease(ROOM, ADA), Lease(ROOM, GRACE), *(Lease(ROOM, new_guest()) for _ in range(98))]
    leases.append(Lease(ROOM, ADA))
    arrivals = await asyncio.gather(*(lease.take() for lease in leases))
    assert [arrival.first for arrival in arrivals if arrival] == [True] * 100 + [False]
    assert arrivals[-1] is not None
    assert (arrivals[-1].count, arrivals[-1].present[0]) == (100, Present("ada", 2))
    dropped = await asyncio.gather(*(lease.drop() for lease in leases))
    assert dropped == [True] * 100 + [False]
    assert await commands() - before < 10


async def commands() -> int:
    """How many transactions the server has done."""
    return int((await redis.client().info("commandstats")).get("cmdstat_exec", {}).get("calls", 0))


async def test_dropping_twice() -> None:
    """A lease that is gone already was nobody's last."""
    lease = Lease(ROOM, ADA)
    await lease.take()
    assert [await lease.drop(), await lease.drop()] == [True, False]


async def test_expired_lease_is_nobody() -> None:
    """Whoever did not renew is not here."""
    lost = Lease(ROOM, GRACE)
    await lost.take()
    await expire(lost)
    assert await Lease(ROOM, ADA).take() == Arrival(True, 1, [Present("ada", 1)])


async def test_renewal_prolongs() -> None:
    """Renewing moves the end of every held lease."""
    lease = Lease(ROOM, ADA)
    await lease.take()
    await redis.client().zadd(f"presence:{ROOM}", {lease.member: 1.0})
    assert await presence.renew() == []
    assert await Lease(ROOM, GRACE).take() == Arrival(True, 2, [Present("ada", 1), Present("gr|ace", 1)])


async def test_renewal_after_a_flush() -> None:
    """After Redis lost everything the next renewal puts the leases back."""
    lease = Lease(ROOM, ADA)
    await lease.take()
    await redis.client().flushdb()
    await presence.renew()
    assert await lease.drop()


async def test_departures_are_swept_once() -> None:
    """Who left without a word is found by one renewal, and only if no other socket of theirs is left."""
    here, lost, tab = Lease(ROOM, ADA), Lease(ROOM, GRACE), Lease(ROOM, ADA)
    for lease in (here, lost, tab):
        await lease.take()
    await expire(lost)
    await expire(tab)
    assert await presence.renew() == [(ROOM, Sender("user:2", "gr|ace"))]
    assert await presence.renew() == []


async def test_drop_during_renewal() -> None:
    """A lease that is dropped while a renewal is under way does not come back."""
    lease = Lease(ROOM, ADA)
    for _ in range(20):
        await lease.take()
        await asyncio.gather(presence.renew(), lease.drop())
    # Of presence: other parts of the process keep keys of their own.
    assert [key for name in ("presence", "sockets") for key in await redis.client().keys(f"{name}:*")] == []


async def test_keys_do_not_stay(settings: Any) -> None:
    """A room that everybody left without a word is forgotten by Redis itself."""
    await Lease(ROOM, ADA).take()
    for key in (f"presence:{ROOM}", f"sockets:{ADA.key}"):
        assert 0 < await redis.client().ttl(key) <= 2 * settings.PRESENCE_LEASE


async def test_beat_tells_the_room(room: RoomAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a process runs, its beat tells the room who is gone."""
    monkeypatch.setattr(presence, "BEATS", 300)
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(names.group(room.name), channel)
    lost = Lease(room.name, GRACE)
    async with presence.beating():
        await Lease(room.name, ADA).take()
        await lost.take()
        await expire(lost)
        assert bus.decode(await layer.receive(channel)) == bus.Event(
            events.LEFT, {"username": "gr|ace"}, names.group(room.name)
        )
    await layer.group_discard(names.group(room.name), channel)


@contextlib.contextmanager
def no_redis(settings: Any) -> Iterator[None]:
    """Redis is away for the length of the block."""
    url = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis._client.cache_clear()
    try:
        yield
    finally:
        settings.REDIS_URL = url
        redis._client.cache_clear()


async def test_without_redis(settings: Any) -> None:
    """Without Redis nothing is known, nothing raises, and what was taken is there when it is back."""
    lease = Lease(ROOM, ADA)
    with no_redis(settings):
        assert await lease.take() is None
        await presence.beat()
        assert not await Lease(ROOM, GRACE).drop()
    await presence.beat()
    await eventually(lambda: _present(lease))


def test_connections_reset(settings: Any) -> None:
    """On uvloop, which raises other errors than asyncio for lost connections: arriving, renewing and leaving go on."""

    async def stay() -> None:
        proxy = ResettingProxy(os.environ["REDIS_URL"])
        await proxy.listen()
        settings.REDIS_URL = proxy.url
        lease, late = Lease(ROOM, ADA), Lease(ROOM, GRACE)
        for step in (lease.take, presence.renew, lease.drop):
            assert await step() is not None
            await proxy.reset()
        await proxy.refuse()
        assert await late.take() is None
        await presence.beat()
        assert not await late.drop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(stay())


async def test_dropped_without_redis(settings: Any) -> None:
    """Who left while Redis was away is gone with the first renewal after that, and it is told once."""
    lost, here = Lease(ROOM, ADA), Lease(ROOM, GRACE)
    await lost.take()
    await here.take()
    with no_redis(settings):
        assert not await lost.drop()
    assert await presence.renew() == [(ROOM, Sender("user:1", "ada"))]
    assert await presence.renew() == []
    assert await Lease(ROOM, ADA).take() == Arrival(True, 2, [Present("ada", 1), Present("gr|ace", 1)], sockets=1)


async def test_dropped_without_redis_long_ago(settings: Any) -> None:
    """A lease that must have run out meanwhile is not remembered."""
    settings.PRESENCE_LEASE = 0
    with no_redis(settings):
        assert not await Lease(ROOM, ADA).drop()
        await presence.beat()
    assert presence._unended == {}


async def test_sockets_of_a_user_in_all_rooms() -> None:
    """All sockets of a user are counted, those that ran out or were dropped are not, and guests have one each."""
    one, two, three = Lease(ROOM, ADA), Lease("another", ADA), Lease("third", ADA)
    guest = new_guest()
    assert [await sockets(lease) for lease in (one, two, three)] == [1, 2, 3]
    assert [await sockets(lease) for lease in (Lease(ROOM, GRACE), Lease(ROOM, guest), Lease(ROOM, guest))] == [1, 1, 1]
    await one.drop()
    await expire(two)
    assert await sockets(Lease(ROOM, ADA)) == 2


async def test_sockets_that_open_at_once() -> None:
    """Of sockets that are opened at the same time each gets a number of its own."""
    leases = [Lease(f"room_{number}", ADA) for number in range(20)]
    assert sorted(await asyncio.gather(*map(sockets, leases))) == list(range(1, 21))


async def test_renewal_prolongs_a_users_sockets() -> None:
    """After Redis lost everything a renewal brings back how many sockets a user has."""
    await Lease(ROOM, ADA).take()
    await redis.client().flushdb()
    await presence.renew()
    assert await sockets(Lease("another", ADA)) == 2


async def sockets(lease: Lease) -> int:
    """How many its user has with it."""
    arrival = await lease.take()
    assert arrival is not None
    return arrival.sockets


async def _present(lease: Lease) -> bool:
    return await redis.client().zscore(f"presence:{ROOM}", lease.member) is not None
