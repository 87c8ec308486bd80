"""The channel layer where its connections break: a gap for whatever is lost."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from redis.exceptions import RedisError

from pubsub_layer import connection
from testing.valkey_server import ValkeyServer
from testing.waiting import DEADLINE, eventually

from .layers import GAP, MakeLayer, layer, make_layer, member, number, numbers, other, receive, valkey

__all__ = ["layer", "make_layer", "other", "valkey"]


async def test_subscribers_killed(layer: Any, other: Any, valkey: ValkeyServer) -> None:
    """Redis drops the subscription connection: every channel is told, and messages flow again."""
    channels = [await member(layer, f"group{n}") for n in range(3)]
    await valkey.kill_subscribers()
    for n, channel in enumerate(channels):
        assert await receive(layer, channel) == GAP
        await other.group_send(f"group{n}", number(n))
        assert await receive(layer, channel) == number(n)


async def test_restart(layer: Any, other: Any, valkey: ValkeyServer) -> None:
    """Redis dies and comes back knowing nothing: every channel is told, and messages flow again."""
    channels = [await member(layer, "group") for _ in range(3)]
    await other.group_send("group", number(0))
    for channel in channels:
        assert await receive(layer, channel) == number(0)
    valkey.kill()
    with pytest.raises(RedisError):
        await other.group_send("group", number(1))
    await valkey.start()
    for channel in channels:
        assert await receive(layer, channel) == GAP
    await other.group_send("group", number(2))
    for channel in channels:
        assert await receive(layer, channel) == number(2)


async def test_no_silent_loss(layer: Any, other: Any, valkey: ValkeyServer) -> None:
    """The connection is cut again and again under load: wherever numbers are missing, there is a gap."""
    channel = await member(layer, "group")
    reading = asyncio.ensure_future(numbers(layer, channel, 600))
    for n in range(600):
        await other.group_send("group", number(n))
        if n % 100 == 50:
            await valkey.kill_subscribers()
    await eventually(lambda: _heard(other, reading), what="the last number")
    arrived = reading.result()
    seen: list[int | None] = [-1, *arrived]
    for before, after in pairwise(seen):
        assert before is None or after is None or after == before + 1
    assert None in arrived


async def _heard(layer: Any, reading: asyncio.Future[Any]) -> bool:
    await layer.group_send("group", number(600))
    return reading.done()


async def test_join_while_redis_is_gone(layer: Any, other: Any, valkey: ValkeyServer) -> None:
    """Channels are made and groups remembered without Redis; once it is there, their readers are told."""
    valkey.kill()
    async with asyncio.timeout(DEADLINE):
        channel = await layer.new_channel()
        with pytest.raises(RedisError):
            await layer.group_add("group", channel)
    await valkey.start()
    assert await receive(layer, channel) == GAP
    await other.group_send("group", number(1))
    assert await receive(layer, channel) == number(1)


async def test_idle_connection_is_kept(
    make_layer: MakeLayer, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence for longer than any of redis-py's timeouts is answered with PING, on the same connection."""
    # Long enough for a busy server to answer in, or the connection would be given up with good reason.
    monkeypatch.setattr(connection, "PING_INTERVAL", 1.0)
    layer = make_layer()
    channel = await member(layer, "group")
    # Of the subscription alone, so that no other command is in a hurry.
    subscription = layer._get_layer()._shard(channel).subscriptions._connection._connection
    subscription.socket_timeout = 0.05
    await eventually(lambda: _subscriber_pinged(valkey), what="a PING")
    await layer.group_send("group", number(1))
    assert await numbers(layer, channel, 1) == [1]


async def _subscriber_pinged(valkey: ValkeyServer) -> bool:
    return "cmd=ping" in await valkey.command("CLIENT", "LIST", "TYPE", "pubsub")
