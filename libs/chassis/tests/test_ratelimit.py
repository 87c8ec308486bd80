"""Rate limits in Redis."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from chassis import ratelimit
from chassis.errors import TooManyRequests
from chassis.testing import refusing_port


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
