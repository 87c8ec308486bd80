"""Rate limits in Redis."""

import socket
from typing import Any

import pytest
from pytest_django import Settings

from chassis import ratelimit
from chassis.errors import TooManyRequests


@pytest.fixture(autouse=True)
def _fresh(clean_redis: Any) -> None:
    ratelimit._limiter.cache_clear()


async def test_over_the_limit() -> None:
    """One use more than allowed raises, with a time to come back."""
    for _ in range(3):
        await ratelimit.check("3/minute", "login", "ada")
    with pytest.raises(TooManyRequests) as raised:
        await ratelimit.check("3/minute", "login", "ada")
    assert 1 <= raised.value.retry_after <= 60


async def test_keys_are_apart() -> None:
    """Another key has a count of its own."""
    await ratelimit.check("1/minute", "login", "ada")
    await ratelimit.check("1/minute", "login", "alan")


async def test_without_redis(settings: Settings) -> None:
    """Without Redis nobody is locked out."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    ratelimit._limiter.cache_clear()
    for _ in range(3):
        await ratelimit.check("1/minute", "login", "ada")
    ratelimit._limiter.cache_clear()
