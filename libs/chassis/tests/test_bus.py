"""The event bus: the envelope, publishing, and what happens without Redis."""

import asyncio
import socket

import pytest
from channels.layers import channel_layers, get_channel_layer
from hypothesis import example, given
from hypothesis import strategies as st

from chassis import bus
from pubsub_layer.layer import PubSubChannelLayer
from testing.ports import refusing_port
from testing.waiting import DEADLINE, eventually

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(), lambda inner: st.lists(inner, max_size=3)
)


KEYS = st.sampled_from(["type", "v", "group", "event", "data", "other"])


@given(name=st.text(min_size=1), data=st.dictionaries(st.text(), JSON, max_size=4))
def test_round_trip(name: str, data: dict[str, object]) -> None:
    """What is encoded is decoded the same."""
    assert bus.decode(bus.encode("room.x", bus.Event(name, data))) == bus.Event(name, data, "room.x")


@given(message=st.dictionaries(KEYS, JSON | st.sampled_from([1, "room.x", {}]), max_size=5))
@example(message={"v": 1, "event": "room.x", "data": {}})
@example(message={"v": 1, "event": 5, "data": {}})
@example(message={"v": 1, "event": "room.x", "data": []})
@example(message={"v": 1, "event": "room.x", "data": {}, "group": None})
@example(message={"v": 2, "event": "room.x", "data": {}})
def test_anything_else_is_ignored(message: dict[str, object]) -> None:
    """A message of another shape or version is None, never an exception; of this one it is what it says."""
    name, data, group = message.get("event"), message.get("data"), message.get("group", "")
    understood = message.get("v") == 1 and isinstance(name, str) and isinstance(data, dict) and isinstance(group, str)
    decoded = bus.decode(message)
    assert (None if decoded is None else (decoded.name, decoded.data, decoded.group)) == (
        (name, data, group) if understood else None
    )


async def test_published_event_arrives() -> None:
    """A listener of the group hears it."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("test.group", channel)
    receiving = asyncio.ensure_future(layer.receive(channel))

    async def heard() -> bool:
        assert await bus.publish("test.group", bus.Event("hello", {"n": 1}))
        return bool(receiving.done())

    await eventually(heard, what="the event")
    assert bus.decode(receiving.result()) == bus.Event("hello", {"n": 1}, "test.group")
    await layer.group_discard("test.group", channel)


async def test_publish_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens on the port: False, and no exception."""
    with refusing_port() as port:
        layer = PubSubChannelLayer(hosts=[f"redis://127.0.0.1:{port}"])
        monkeypatch.setattr(channel_layers, "backends", {"default": layer})
        assert not await bus.publish("test.group", bus.Event("hello", {}))


async def test_publish_to_a_frozen_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and never answers: False, after a bounded time."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        port = frozen.getsockname()[1]
        layer = PubSubChannelLayer(hosts=[f"redis://127.0.0.1:{port}"])
        monkeypatch.setattr(channel_layers, "backends", {"default": layer})
        async with asyncio.timeout(DEADLINE):
            assert not await bus.publish("test.group", bus.Event("hello", {}))
