"""The channel layer: Channels' contract, and subscriptions that are confirmed."""

import asyncio
from typing import Any

import pytest

from pubsub_layer.confirmations import Confirmations
from testing.valkey_server import ValkeyServer
from testing.waiting import eventually

from .layers import MakeLayer, layer, make_layer, member, number, numbers, other, receive, valkey

__all__ = ["layer", "make_layer", "other", "valkey"]


async def test_specific_channel(layer: Any, other: Any) -> None:
    """A message sent to a channel, by whatever process, arrives there in order and nowhere else."""
    first, second = await member(layer), await member(layer)
    for n in range(3):
        await other.send(first, number(n))
    await layer.send(second, number(7))
    assert await numbers(layer, first, 2) == [0, 1, 2]
    assert await numbers(layer, second, 7) == [7]


async def test_groups_are_apart(layer: Any, other: Any) -> None:
    """Every member hears what is sent to its groups, and only that."""
    groups = [f"group{n}" for n in range(20)]
    members = [(n, await member(layer, groups[n], "all")) for n in range(20) for _ in range(5)]
    for n in range(20):
        await other.group_send(groups[n], number(n))
    await other.group_send("all", number(100))
    for n, channel in members:
        assert await numbers(layer, channel, 100) == [n, 100]


async def test_everybody_has_a_message_of_its_own(layer: Any) -> None:
    """What one reader does to a message, the others do not see."""
    channels = [await member(layer, "group") for _ in range(2)]
    await layer.group_send("group", {"type": "test.list", "items": []})
    (await receive(layer, channels[0]))["items"].append(1)
    assert (await receive(layer, channels[1]))["items"] == []


async def test_channel_of_another_process(layer: Any, other: Any) -> None:
    """Only channels of this process can be added to a group."""
    channel = await member(other)
    with pytest.raises(RuntimeError):
        await layer.group_add("group", channel)


async def test_general_channel(layer: Any, other: Any) -> None:
    """A worker receives on a name that everybody knows, without `new_channel`."""
    receiving = asyncio.ensure_future(layer.receive("worker"))
    await eventually(lambda: "worker" in layer.channels)
    # Opening waits for Redis' answer too; a second one returns after the same answer.
    await layer._get_layer()._shard("worker").subscriptions.subscribe("worker")
    await other.send("worker", number(1))
    assert await receiving == number(1)


async def test_discard(layer: Any, other: Any) -> None:
    """Who left a group hears nothing of it, while others do; leaving twice or without having joined is nothing."""
    leaver, stayer = await member(layer, "group", "rest"), await member(layer, "group", "rest")
    for _ in range(2):
        await layer.group_discard("group", leaver)
    await layer.group_discard("never joined", leaver)
    await other.group_send("group", number(1))
    await other.group_send("rest", number(2))
    assert await numbers(layer, stayer, 2) == [1, 2]
    assert await numbers(layer, leaver, 2) == [2]


async def test_delete_channel(layer: Any, valkey: ValkeyServer) -> None:
    """A deleted channel leaves nothing behind, here or in Redis."""
    channel = await member(layer, "one", "two")
    await layer.delete_channel(channel)
    await layer.delete_channel(channel)
    assert not layer.channels
    assert not layer.groups

    async def forgotten() -> bool:
        return await valkey.command("PUBSUB", "CHANNELS") == "[]"

    await eventually(forgotten, what="Redis has unsubscribed")


async def test_group_add_is_confirmed(layer: Any, other: Any) -> None:
    """What another process sends once `group_add` has returned arrives, every time."""
    for n in range(200):
        channel = await member(layer, "group")
        await other.group_send("group", number(n))
        assert await receive(layer, channel) == number(n)
        # The next round asks for the same name again, behind this UNSUBSCRIBE.
        await layer.delete_channel(channel)


@pytest.mark.parametrize("options", [{"serializer_format": "json"}, {"symmetric_encryption_keys": ["a key"]}])
async def test_serialization(make_layer: MakeLayer, options: dict[str, Any]) -> None:
    """Formats and encryption are those of channels-redis."""
    layer = make_layer(**options)
    channel = await member(layer, "group")
    await layer.group_send("group", number(1))
    assert await receive(layer, channel) == number(1)


async def test_flush(layer: Any) -> None:
    """After a flush nothing is left, and the layer works as a new one."""
    await member(layer, "group")
    await layer.flush()
    assert not layer.channels
    channel = await member(layer, "group")
    await layer.group_send("group", number(1))
    assert await numbers(layer, channel, 1) == [1]


async def test_answers_to_one_name_are_counted() -> None:
    """Asked for, dropped and asked for again: the first answer does not confirm the second subscription."""
    names = Confirmations()
    names.add("name")
    names.asked("name")
    first = names["name"]
    names.remove("name")
    names.add("name")
    names.asked("name")
    names.confirmed("name")
    assert (first.done(), names["name"].done()) == (True, False)
    names.confirmed("name")
    assert names["name"].done()
