"""Rate limits in Redis."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from chassis import ratelimit
from chassis.errors import TooManyRequests
from testing.ports import refusing_port
from testing.valkey_server import ValkeyServer
from testing.waiting import DEADLINE, eventually


@pytest.fixture(autouse=True)
def _fresh(clean_redis: Any) -> Iterator[None]:
    ratelimit._limiter.cache_clear()
    yield
    ratelimit._limiter.cache_clear()


async def test_over_the_limit() -> None:
    """One use more than allowed raises, with a time to come back."""
    for _ in range(3):
        await ratelimit.check("3/day", "login", "ada")
    with pytest.raises(TooManyRequests) as raised:
        await ratelimit.check("3/day", "login", "ada")
    assert 1 <= raised.value.retry_after <= 24 * 3600


async def test_keys_are_apart() -> None:
    """Another key has a count of its own."""
    await ratelimit.check("1/minute", "login", "ada")
    await ratelimit.check("1/minute", "login", "alan")


async def test_without_redis(settings: Settings) -> None:
    """Without Redis nobody is locked out."""
    with refusing_port() as port:
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        for _ in range(3):
            await ratelimit.check("1/minute", "login", "ada")


async def test_when_to_come_back(clean_redis: Any) -> None:
    """In whole seconds, when the window of this key and this limit is over."""
    await ratelimit.check("1/hour", "login", "ada")
    [key] = await clean_redis.keys("*")

    async def begun() -> bool:
        # The library says "now" within the first millisecond of a window.
        return bool(await clean_redis.pttl(key) < 2 * 3600 * 1000)

    await eventually(begun, what="a millisecond")
    with pytest.raises(TooManyRequests) as raised:
        await ratelimit.check("1/hour", "login", "ada")
    assert (type(raised.value.retry_after), 1800 < raised.value.retry_after <= 3600) == (int, True)


async def test_keys_in_redis(clean_redis: Any) -> None:
    """The names of the counts, which both versions of a rolling release use."""
    await ratelimit.check("3/hour", "login", "ada")
    assert await clean_redis.keys("*") == ["ratelimit:{LIMITER/login/ada/3/1/hour}"]


async def test_frozen_redis(own_redis: ValkeyServer, caplog: pytest.LogCaptureFixture) -> None:
    """If Redis answers nothing, the use is allowed in bounded time, and that is logged."""
    ratelimit._limiter.cache_clear()
    await ratelimit.check("1/hour", "login", "ada")
    own_redis.freeze()
    async with asyncio.timeout(DEADLINE):
        await ratelimit.check("1/hour", "login", "ada")
    assert caplog.text.count("ratelimit.unavailable") == 1
    own_redis.thaw()
    ratelimit._limiter.cache_clear()
