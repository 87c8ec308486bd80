"""Layers on a server of their own, for the tests of the channel layer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from pubsub_layer.layer import PubSubChannelLayer
from testing.valkey_server import ValkeyServer
from testing.waiting import DEADLINE

GAP = {"type": "test.gap"}

type MakeLayer = Callable[..., Any]


@pytest_asyncio.fixture
async def valkey() -> AsyncIterator[ValkeyServer]:
    """A server that this test may do anything to."""
    server = ValkeyServer()
    await server.start()
    yield server
    server.kill()


@pytest_asyncio.fixture
async def make_layer(valkey: ValkeyServer) -> AsyncIterator[MakeLayer]:
    """Makes layers; each is what another process would have."""
    layers: list[Any] = []

    def make(**options: Any) -> Any:
        layers.append(PubSubChannelLayer(**{"hosts": [valkey.url], "lost_message": GAP, **options}))
        return layers[-1]

    yield make
    for layer in layers:
        await layer.flush()


@pytest_asyncio.fixture
async def layer(make_layer: MakeLayer) -> Any:
    """The layer under test."""
    return make_layer()


@pytest_asyncio.fixture
async def other(make_layer: MakeLayer) -> Any:
    """The layer of another process."""
    return make_layer()


async def member(layer: Any, *groups: str) -> str:
    """A new channel in groups."""
    channel: str = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, channel)
    return channel


async def receive(layer: Any, channel: str) -> Any:
    """The next message, which must come."""
    async with asyncio.timeout(DEADLINE):
        return await layer.receive(channel)


def number(n: int) -> dict[str, Any]:
    """A message."""
    return {"type": "test.number", "n": n}


async def numbers(layer: Any, channel: str, last: int) -> list[int | None]:
    """What arrives up to and including the number `last`; None for a gap."""
    arrived: list[int | None] = []
    while not arrived or arrived[-1] != last:
        arrived.append((await receive(layer, channel)).get("n"))
    return arrived
