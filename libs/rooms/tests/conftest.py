"""Fixtures of the rooms suite. It runs under the settings of either service."""

from collections.abc import AsyncIterator

import pytest_asyncio

from chassis import bus, lifespan, redis
from chassis import database as db

pytest_plugins = ["testing.database", "testing.asgi", "testing.people", "testing.rooms"]

# The services register these themselves; here there is no service.
lifespan.resource(db.pool)
lifespan.resource(redis.opened)
lifespan.resource(bus.publishing)
lifespan.resource(bus.inbox.running)


@pytest_asyncio.fixture(autouse=True)
async def _in_a_process(process: None) -> AsyncIterator[None]:
    yield
