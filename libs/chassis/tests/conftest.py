"""Fixtures of the chassis's suite. It runs with the settings of the api, as one service or the other must be there."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from chassis import redis
from testing.valkey_server import ValkeyServer

pytest_plugins = ["testing.database", "testing.asgi"]


@pytest_asyncio.fixture
async def own_redis(settings: Any) -> AsyncIterator[ValkeyServer]:
    """A Redis of the test's own, that this process uses."""
    usual = settings.REDIS_URL
    own = ValkeyServer()
    await own.start()
    settings.REDIS_URL = own.url
    redis._client.cache_clear()
    yield own
    own.thaw()
    await redis.client().aclose()
    own.kill()
    settings.REDIS_URL = usual
    redis._client.cache_clear()
