"""Faults of Redis, PostgreSQL and the services."""

import asyncio
import contextlib
import time

import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError
from tests.chaos.control import API, POSTGRES, REALTIME, REDIS
from tests.chaos.world import World


async def _down(world: World, service: str, seconds: float) -> str:
    await world.control.kill(service)
    await asyncio.sleep(seconds)
    await world.control.start(service)
    return f"SIGKILL of {service}, down for {seconds:.1f} s"


async def _frozen(world: World, service: str, seconds: float) -> str:
    await world.control.pause(service)
    try:
        await asyncio.sleep(seconds)
    finally:
        await world.control.resume(service)
    return f"SIGSTOP of {service} for {seconds:.1f} s"


async def _ended(world: World, service: str, seconds: float) -> str:
    began = time.monotonic()
    await world.control.terminate(service)
    took = time.monotonic() - began
    await asyncio.sleep(seconds)
    await world.control.start(service)
    return f"SIGTERM to {service}, which ended after {took:.1f} s"


async def redis_kill(world: World, seconds: float) -> str:
    """Dead, then back."""
    return await _down(world, REDIS, seconds)


async def redis_freeze(world: World, seconds: float) -> str:
    """There, and silent."""
    return await _frozen(world, REDIS, seconds)


async def redis_clients(world: World, seconds: float) -> str:
    """The subscribers' connections are cut, again and again: what is published meanwhile is lost to them."""
    killed, deadline = 0, time.monotonic() + seconds
    async with Redis.from_url(world.redis_url, socket_timeout=2, socket_connect_timeout=2) as redis:
        while time.monotonic() < deadline:
            # Another fault may have Redis at the same time.
            with contextlib.suppress(RedisError):
                killed += int(await redis.client_kill_filter(_type="pubsub"))
            await asyncio.sleep(world.rng.uniform(0.2, 0.6))
    return f"CLIENT KILL TYPE pubsub, {killed} connections"


async def redis_flush(world: World, seconds: float) -> str:
    """Everything in Redis is gone: rate limits, presence."""
    async with Redis.from_url(world.redis_url, socket_timeout=2, socket_connect_timeout=2) as redis:
        with contextlib.suppress(RedisError):
            await redis.flushall()
    await asyncio.sleep(seconds)
    return "FLUSHALL"


async def postgres_kill(world: World, seconds: float) -> str:
    """The postmaster dies; on its return it recovers from its log."""
    return await _down(world, POSTGRES, seconds)


async def postgres_freeze(world: World, seconds: float) -> str:
    """There, and silent: commits of unknown outcome."""
    return await _frozen(world, POSTGRES, seconds)


async def postgres_terminate(world: World, seconds: float) -> str:
    """Every session is ended, again and again."""
    ended, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.Error):
            ended += await world.database.terminate_all()
        await asyncio.sleep(world.rng.uniform(0.3, 0.8))
    return f"pg_terminate_backend of {ended} sessions"


async def room_lock(world: World, seconds: float) -> str:
    """Somebody holds a room's row: posts to it wait, and nothing else should."""
    room = world.rng.choice([name for name in world.workload.rooms if name != world.workload.private])
    with contextlib.suppress(psycopg.Error):
        await world.database.lock_room(room, seconds)
    return f"row of {room} locked for {seconds:.1f} s"


async def realtime_kill(world: World, seconds: float) -> str:
    """One of the two processes."""
    return await _down(world, world.rng.choice(REALTIME), seconds)


async def realtime_term(world: World, seconds: float) -> str:
    """One of the two drains."""
    return await _ended(world, world.rng.choice(REALTIME), seconds)


async def realtime_roll(world: World, seconds: float) -> str:
    """One after the other, as in a deployment."""
    done = []
    for service in REALTIME:
        done.append(await _ended(world, service, seconds))
        await world.healthy(service)
    return "; ".join(done)


async def api_kill(world: World, seconds: float) -> str:
    """The master and its workers."""
    return await _down(world, API, seconds)


async def api_term(world: World, seconds: float) -> str:
    """It ends its streams and finishes its requests."""
    return await _ended(world, API, seconds)


async def api_worker(world: World, seconds: float) -> str:
    """The other worker goes on, and the master replaces this one."""
    await world.control.kill_worker(API)
    await asyncio.sleep(seconds)
    return "SIGKILL of one worker of the api"
