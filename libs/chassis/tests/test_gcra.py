"""Rates that are decided in the process and settled in Redis."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from chassis import redis
from chassis.errors import TooManyRequests
from chassis.gcra import Rates, _Account
from testing.valkey_server import ValkeyServer
from testing.waiting import DEADLINE, eventually

# One use an hour: Redis keeps its keys by its own clock, and may take its time.
LIMIT = "10/10 hours"
HOUR = 3600


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """One clock for all processes of a test."""
    return Clock()


@pytest.fixture
def rates(clock: Clock, clean_redis: Any) -> Callable[[], Rates]:
    """Makes what each process has."""
    return lambda: Rates("test", clock)


def allowed(process: Rates, tries: int, key: str = "ada") -> int:
    """How many of so many uses are allowed."""
    count = 0
    for _ in range(tries):
        try:
            process.take((key, LIMIT))
        except TooManyRequests:
            continue
        count += 1
    return count


def test_burst_and_mean(rates: Callable[[], Rates], clock: Clock) -> None:
    """The whole amount may be used at once, and then as much as time gives back."""
    process = rates()
    assert allowed(process, 15) == 10
    clock.now += 3 * HOUR
    assert allowed(process, 15) == 3
    clock.now += 1000 * HOUR
    assert allowed(process, 15) == 10


def test_time_to_wait(rates: Callable[[], Rates], clock: Clock) -> None:
    """A refusal says when the next use is allowed, and it is."""
    process = rates()
    allowed(process, 10)
    with pytest.raises(TooManyRequests) as refused:
        process.take(("ada", LIMIT))
    assert refused.value.retry_after == pytest.approx(HOUR)
    clock.now += refused.value.retry_after
    process.take(("ada", LIMIT))


def test_all_or_nothing(rates: Callable[[], Rates]) -> None:
    """Where one key is over its limit the others are not used either; keys are apart."""
    process = rates()
    allowed(process, 10, "crowded room")
    for _ in range(20):
        with pytest.raises(TooManyRequests):
            process.take(("ada", LIMIT), ("crowded room", LIMIT))
    assert allowed(process, 15) == 10


async def test_processes_share_a_limit(rates: Callable[[], Rates], clock: Clock) -> None:
    """What one process allowed, the other takes into account, and together they keep to the mean."""
    one, two = rates(), rates()
    assert (allowed(one, 5), allowed(two, 1)) == (5, 1)
    await one.settle()
    await two.settle()
    assert allowed(two, 10) == 4
    await two.settle()
    clock.now += HOUR
    assert allowed(two, 10) == 1


async def test_what_was_too_much_is_paid_back(rates: Callable[[], Rates], clock: Clock) -> None:
    """Two processes that did not know of each other allow twice as much, and then nothing for as much longer."""
    one, two = rates(), rates()
    assert (allowed(one, 10), allowed(two, 10)) == (10, 10)
    await one.settle()
    await two.settle()
    clock.now += 9 * HOUR
    assert allowed(two, 10) == 0
    clock.now += 2 * HOUR
    assert allowed(two, 10) == 1


async def test_a_new_process_learns(rates: Callable[[], Rates]) -> None:
    """A process that never saw a key knows all about it after its first use."""
    one, new = rates(), rates()
    allowed(one, 10)
    await one.settle()
    assert allowed(new, 1) == 1
    await new.settle()
    assert allowed(new, 10) == 0


async def test_a_process_goes_on_learning(rates: Callable[[], Rates], clock: Clock) -> None:
    """While a key has a backlog here, what others use is heard of without using it here."""
    one, two = rates(), rates()
    assert (allowed(one, 5), allowed(two, 2)) == (5, 2)
    await one.settle()
    await two.settle()
    assert allowed(one, 3) == 3
    await one.settle()
    await two.settle()
    assert allowed(two, 10) == 0


async def test_used_while_settling(rates: Callable[[], Rates]) -> None:
    """What is used while Redis is asked is neither lost nor counted twice."""
    one, two = rates(), rates()
    allowed(one, 4)
    settling = asyncio.create_task(one.settle())
    await asyncio.sleep(0)
    assert allowed(one, 2) == 2
    await settling
    await one.settle()
    allowed(two, 1)
    await two.settle()
    assert allowed(two, 10) == 3


async def test_idle_keys_are_forgotten(rates: Callable[[], Rates], clock: Clock) -> None:
    """A key that has worked off everything takes no memory, here and in Redis."""
    process = rates()
    process.take(("ada", LIMIT), ("room", "1000/1 hour"))
    await process.settle()
    assert (len(process), 0 < await redis.client().pttl("test:ada") <= HOUR * 1000) == (2, True)
    clock.now += 1.1 * HOUR
    await process.settle()
    assert len(process) == 0


async def test_flushed_redis(rates: Callable[[], Rates]) -> None:
    """A Redis that lost everything gives nothing back that is known here."""
    process = rates()
    allowed(process, 9)
    await process.settle()
    await redis.client().flushdb()
    allowed(process, 1)
    await process.settle()
    assert allowed(process, 5) == 0


async def test_redis_away(own_redis: ValkeyServer, clock: Clock) -> None:
    """Without Redis each process keeps the limit for itself; what was used long ago is no burden when it is back."""
    one, two = Rates("test", clock), Rates("test", clock)
    own_redis.kill()
    for _ in range(30):
        assert (allowed(one, 1), allowed(two, 1)) == (1, 1)
        clock.now += HOUR
    await one.settle()
    await two.settle()
    assert (allowed(one, 20), allowed(two, 20)) == (10, 10)
    await one.settle()
    await two.settle()
    clock.now += 10 * HOUR
    await own_redis.start()
    await eventually(lambda: shares(one, two, clock), what="they share the limit again")


async def shares(one: Rates, two: Rates, clock: Clock) -> bool:
    """True if a use in the one is known in the other."""
    clock.now += 20 * HOUR
    allowed(one, 9)
    await one.settle()
    allowed(two, 1)
    await two.settle()
    return allowed(two, 10) == 0


async def test_redis_frozen(own_redis: ValkeyServer, clock: Clock) -> None:
    """While Redis answers nothing a use is decided at once, and settling ends in bounded time."""
    process = Rates("test", clock)
    allowed(process, 1)
    await process.settle()
    own_redis.freeze()
    allowed(process, 1)
    settling = asyncio.create_task(process.settle())
    try:
        assert allowed(process, 20) == 8
        async with asyncio.timeout(DEADLINE):
            await settling
        assert allowed(process, 20) == 0
    finally:
        own_redis.thaw()


async def test_an_outage_is_logged_once(
    own_redis: ValkeyServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not four times a second; the next outage is logged again."""
    process = Rates("test", clock)
    for outage in (1, 2):
        own_redis.kill()
        for _ in range(3):
            allowed(process, 1)
            await process.settle()
        assert caplog.text.count("rates.unsettled") == outage
        await own_redis.start()
        await eventually(lambda: reaches_redis(process), what="a use reaches Redis")


async def reaches_redis(process: Rates) -> bool:
    """True if a use of this process is known to Redis."""
    key = f"probe {process._clock()}"
    allowed(process, 1, key)
    await process.settle()
    with contextlib.suppress(*redis.UNAVAILABLE):
        return bool(await redis.client().pttl(f"test:{key}") > 0)
    return False


async def test_an_old_use_is_told(rates: Callable[[], Rates], clock: Clock) -> None:
    """A use that time has worked off here before Redis heard of it is not forgotten: elsewhere it is new."""
    process = rates()
    allowed(process, 1)
    clock.now += 5 * HOUR
    await process.settle()
    assert 0 < await redis.client().pttl("test:ada") <= 1000 * HOUR
    assert await redis.client().pttl("ada") == -2


async def test_forgotten_at_its_moment(rates: Callable[[], Rates], clock: Clock) -> None:
    """A key without a backlog is forgotten at once; one that has some left is kept."""
    process = rates()
    process._accounts["ada"] = _Account(1.0, clock.now)
    process._accounts["alan"] = _Account(1.0, clock.now + 0.001)
    await process.settle()
    assert list(process._accounts) == ["alan"]


async def test_what_one_use_costs(rates: Callable[[], Rates], clock: Clock) -> None:
    """The backlog is in seconds: of a limit of 1 in 10 hours one use costs ten hours."""
    process = rates()
    process.take(("slow", "1/10 hours"), ("quick", "100/10 hours"))
    await process.settle()
    slow, quick = await redis.client().pttl("test:slow"), await redis.client().pttl("test:quick")
    assert 9 * HOUR * 1000 < slow <= 10 * HOUR * 1000
    assert 0 < quick <= HOUR * 100
    with pytest.raises(TooManyRequests) as refused:
        process.take(("slow", "1/10 hours"))
    assert refused.value.retry_after == pytest.approx(10 * HOUR, abs=0.1 * HOUR)


async def test_used_while_learning(rates: Callable[[], Rates], clock: Clock) -> None:
    """What is used here while Redis is asked comes on top of what others used."""
    one, two = rates(), rates()
    use = ("ada", "10/20 hours")
    for _ in range(4):
        two.take(use)
    await two.settle()
    one.take(use)
    settling = asyncio.create_task(one.settle())
    await asyncio.sleep(0)
    one.take(use)
    one.take(use)
    await settling
    for _ in range(3):
        one.take(use)
    with pytest.raises(TooManyRequests) as refused:
        one.take(use)
    assert refused.value.retry_after == pytest.approx(2 * HOUR, abs=0.1 * HOUR)
