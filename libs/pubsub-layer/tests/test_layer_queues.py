"""The channel layer's queues: bounded, and read by receives that may be cancelled."""

import asyncio
import contextlib
from typing import Any

import pytest

from testing.waiting import eventually

from .layers import MakeLayer, layer, make_layer, member, number, numbers, other, receive, valkey

__all__ = ["layer", "make_layer", "other", "valkey"]


async def test_abandoned_channel_is_deleted(make_layer: MakeLayer) -> None:
    """A consumer of stock Channels only cancels its `receive`: that ends the channel in the end."""
    layer = make_layer(abandoned_after=0.01)
    channel = await member(layer, "group")
    receiving = asyncio.ensure_future(layer.receive(channel))
    await asyncio.sleep(0)
    receiving.cancel()
    await eventually(lambda: not layer.channels and not layer.groups, what="the channel is gone")


async def test_cancelled_receive_loses_nothing(layer: Any, other: Any) -> None:
    """Between receives that are cancelled at every moment, every message arrives once and in order."""
    channel = await member(layer, "group")
    sending = asyncio.ensure_future(_send_numbers(other, 200))
    arrived: list[int] = []
    steps = 0
    while not sending.done():
        receiving = asyncio.ensure_future(layer.receive(channel))
        steps += 1
        for _ in range(steps % 4):
            await asyncio.sleep(0)
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            arrived.append((await receiving)["n"])
    await sending
    await other.group_send("group", number(200))
    assert [*arrived, *await numbers(layer, channel, 200)] == list(range(201))


async def _send_numbers(layer: Any, count: int) -> None:
    for n in range(count):
        await layer.group_send("group", number(n))


async def test_overflow(make_layer: MakeLayer, other: Any) -> None:
    """A reader that stops has at most `capacity` messages waiting: the lost ones are one gap, the newest follow it."""
    layer = make_layer(capacity=10)
    slow, quick = await member(layer, "group"), await member(layer, "group")
    for n in range(115):
        await other.group_send("group", number(n))
        assert await receive(layer, quick) == number(n)
        assert len(layer.channels[slow]) <= 10
    arrived = await numbers(layer, slow, 114)
    assert arrived[0] is None
    assert arrived[1:] == list(range(115 - len(arrived) + 1, 115))


async def test_overflow_without_a_lost_message(make_layer: MakeLayer, caplog: pytest.LogCaptureFixture) -> None:
    """Stock consumers know no gap: they get what is left, and the log says that something is missing."""
    layer = make_layer(capacity=2, lost_message=None)
    slow, quick = await member(layer, "group"), await member(layer, "group")
    for n in range(4):
        await layer.group_send("group", number(n))
        await receive(layer, quick)
    assert await numbers(layer, slow, 3) == [3]
    assert "bus.messages_lost" in caplog.messages
