"""The channel layer where Redis keeps its connections and does not answer: all that waits is bounded."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import RedisError

from pubsub_layer import connection
from testing.valkey_server import ValkeyServer
from testing.waiting import DEADLINE, eventually

from .layers import GAP, layer, make_layer, member, number, numbers, other, receive, valkey

__all__ = ["layer", "make_layer", "other", "valkey"]


async def test_join_while_redis_is_frozen(layer: Any, other: Any, valkey: ValkeyServer) -> None:
    """It raises within its time. Once Redis answers the channel is a member all the same, and is told of the gap."""
    channel = await member(layer)
    valkey.freeze()
    try:
        async with asyncio.timeout(DEADLINE):
            for _ in range(3):
                with pytest.raises(RedisError):
                    await layer.group_add("group", channel)
    finally:
        valkey.thaw()
    assert await receive(layer, channel) == GAP
    await other.group_send("group", number(1))
    assert await receive(layer, channel) == number(1)


async def test_leave_while_redis_is_frozen(layer: Any, other: Any, valkey: ValkeyServer) -> None:
    """Leaving needs no answer; what was left stays left when Redis goes on."""
    channel = await member(layer, "left", "kept")
    valkey.freeze()
    try:
        async with asyncio.timeout(DEADLINE):
            await layer.group_discard("left", channel)
    finally:
        valkey.thaw()
    await other.group_send("left", number(1))
    await other.group_send("kept", number(2))
    assert await numbers(layer, channel, 2) == [2]


async def test_concurrent_sends_to_a_frozen_redis(layer: Any, valkey: ValkeyServer) -> None:
    """They do not wait for each other, nor for those who subscribe; the first one after the thaw is taken."""
    channel = await member(layer, "group")
    await layer.group_send("group", number(0))
    valkey.freeze()
    try:
        async with asyncio.timeout(DEADLINE):
            joins = [layer.group_add(f"group{n}", channel) for n in range(50)]
            sends = [layer.group_send("group", number(n)) for n in range(200)]
            outcomes = await asyncio.gather(*joins, *sends, return_exceptions=True)
    finally:
        valkey.thaw()
    assert all(isinstance(outcome, RedisError) for outcome in outcomes)
    await layer.group_send("group", number(1000))
    await numbers(layer, channel, 1000)


async def test_dead_peer_is_noticed(
    layer: Any, other: Any, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that stops answering without closing anything is given up, so its successor is found."""
    monkeypatch.setattr(connection, "PING_INTERVAL", 0.1)
    channel = await member(layer, "group")
    valkey.freeze()
    try:
        # Nothing closes the connection: only giving it up leads to a gap.
        await eventually(lambda: _unreachable(layer, channel), what="it is given up")
    finally:
        valkey.thaw()
    assert await receive(layer, channel) == GAP
    await other.group_send("group", number(1))
    assert (await numbers(layer, channel, 1))[-1] == 1


async def _unreachable(layer: Any, channel: str) -> bool:
    return layer._get_layer()._shard(channel).subscriptions._connection is None
