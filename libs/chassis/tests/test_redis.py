"""A Redis whose connections are lost, on uvloop: nothing raises but what means that Redis is away."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from blockbuster import BlockBuster, BlockingError
from pytest_django import Settings
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError

from chassis import bus, ratelimit, redis
from chassis.gcra import Rates
from chassis.upstream.shared import Shared
from testing.resetting_proxy import ResettingProxy

rates, shared = Rates("test-uvloop"), Shared()


async def ping() -> object:
    """One command."""
    return await redis.client().ping()


async def pipeline() -> object:
    """Several at once."""
    async with redis.client().pipeline(transaction=True) as pipe:
        pipe.set("test-uvloop", "1", px=1000)
        pipe.get("test-uvloop")
        return await pipe.execute() == [True, "1"]


async def limit() -> object:
    """A rate limit lets the caller through."""
    await ratelimit.check("1000/minute", "test-uvloop")
    return True


async def settle_rates() -> object:
    """The rates of messages."""
    rates.take(("key", "1000/second"))
    await rates.settle()
    return rates._settled


async def copies() -> object:
    """The copies of upstream answers, which `/api/gather/` reads."""
    await shared.settle()
    settled = shared.answers
    shared.answers = True
    return await shared.read("nothing") is None and settled


async def publish() -> object:
    """An event."""
    return await bus.publish("test-uvloop", bus.Event("test.event", {}))


COMMANDS = [ping, pipeline, limit, settle_rates, copies, publish]


def on_uvloop(settings: Settings, trial: Callable[[ResettingProxy], Awaitable[None]]) -> None:
    """Run `trial` on a new uvloop, with Redis behind a proxy."""

    async def run() -> None:
        proxy = ResettingProxy(os.environ["REDIS_URL"])
        await proxy.listen()
        settings.REDIS_URL = proxy.url
        layer = settings.CHANNEL_LAYERS["default"]
        settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {**layer["CONFIG"], "hosts": [proxy.url]}}}
        await trial(proxy)
        await redis.client().aclose()
        await proxy.refuse()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


@pytest.mark.parametrize("command", COMMANDS)
def test_connections_reset(settings: Settings, command: Callable[[], Awaitable[object]]) -> None:
    """A connection that was reset while it was idle is replaced at once."""

    async def trial(proxy: ResettingProxy) -> None:
        assert await command()
        for _ in range(3):
            await proxy.reset()
            assert await command()

    on_uvloop(settings, trial)


@pytest.mark.parametrize("command", COMMANDS[2:])
def test_redis_gone(settings: Settings, command: Callable[[], Awaitable[object]]) -> None:
    """Without any connection the callers go on, each in its own way; a command says so."""

    async def trial(proxy: ResettingProxy) -> None:
        assert await command()
        await proxy.refuse()
        assert bool(await command()) is (command is limit)
        with pytest.raises(redis.UNAVAILABLE):
            await ping()

    on_uvloop(settings, trial)


def test_connection_lost_while_it_is_used(settings: Settings) -> None:
    """Writing to a connection that was lost after the pool has handed it out raises an error of redis-py."""

    async def trial(proxy: ResettingProxy) -> None:
        connection: Any = redis.new_pool().make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()
        await proxy.reset()
        with pytest.raises(RedisConnectionError, match="closed"):
            await connection.send_command("PING")

    on_uvloop(settings, trial)


def test_other_errors_are_not_taken_for_it(settings: Settings) -> None:
    """A `RuntimeError` of a connection that is open is a defect, and stays one."""

    async def trial(proxy: ResettingProxy) -> None:
        connection: Any = redis.new_pool().make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()
        connection._writer.write_eof()
        with pytest.raises(RuntimeError, match="after write_eof"):
            await connection.send_command("PING")

    on_uvloop(settings, trial)


async def test_a_new_connection_reads_no_file(no_blocking: BlockBuster) -> None:
    """Making one on the event loop blocks nothing; redis-py by itself looks its own version up on the disk."""
    redis.new_pool().make_connection()  # type: ignore[no-untyped-call]
    with pytest.raises(BlockingError):
        ConnectionPool.from_url("redis://127.0.0.1:1").make_connection()  # type: ignore[no-untyped-call]
