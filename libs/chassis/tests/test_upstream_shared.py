"""Copies in a real Redis that is flushed, killed and frozen: they are shared, and nobody waits for them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
import pytest_asyncio

from chassis import redis
from chassis.upstream.shared import PATIENCE, Shared
from testing.valkey_server import ValkeyServer
from testing.waiting import DEADLINE, eventually


@pytest_asyncio.fixture
async def shared(own_redis: ValkeyServer) -> Shared:
    """What one process has, once Redis has answered it; it waits for Redis as long as a busy machine may need."""
    found = Shared(patience=DEADLINE)
    await found.settle()
    assert found.answers
    return found


def at_once[Answer](question: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer to a question that waits for nothing; fails where it would."""
    with pytest.raises(StopIteration) as answered:
        question.send(None)
    answer: Answer = answered.value.value
    return answer


async def test_another_process_has_it(shared: Shared) -> None:
    """The latest of each key, with the time when it came, byte for byte."""
    shared.offer("users", 10.5, b"old", 60)
    shared.offer("users", 11.25, '{"name": "Zoë  "}'.encode(), 60)
    await shared.settle()
    other = Shared(patience=DEADLINE)
    await other.settle()
    assert await other.read("users") == (11.25, '{"name": "Zoë  "}'.encode())
    assert await other.read("orders") is None


async def test_it_expires(shared: Shared, own_redis: ValkeyServer) -> None:
    """Redis forgets what nobody may use any more."""
    shared.offer("users", 1, b"{}", 3600)
    await shared.settle()
    assert 3_000_000 < int(await own_redis.command("PTTL", "upstream:users")) <= 3_600_000


async def test_what_waits_is_bounded(shared: Shared) -> None:
    """While Redis is away the oldest go."""
    for number in range(2000):
        shared.offer(str(number), 1, b"{}", 60)
    await shared.settle()
    assert await shared.read("0") is None
    assert await shared.read("1999") == (1, b"{}")


async def test_nobody_asks_before_redis_has_answered(own_redis: ValkeyServer) -> None:
    """A process that starts without Redis waits for nothing."""
    shared = Shared()
    own_redis.freeze()
    assert at_once(shared.read("users")) is None


@pytest.mark.parametrize("fault", ["freeze", "kill"])
async def test_without_redis_nobody_waits(
    shared: Shared, own_redis: ValkeyServer, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Those who ask just then are told that there is none; whoever asks later is told at once."""
    monkeypatch.setattr(redis, "TIMEOUT", 3600)
    redis._client.cache_clear()
    assert await shared.read("users") is None
    getattr(own_redis, fault)()
    # Nothing but their own patience ends these: Redis' client would wait for an hour.
    shared.patience = PATIENCE
    async with asyncio.timeout(DEADLINE):
        assert await asyncio.gather(*(shared.read("users") for _ in range(20))) == [None] * 20
    assert not shared.answers
    assert at_once(shared.read("users")) is None


@pytest.mark.parametrize("fault", ["freeze", "kill"])
async def test_it_comes_back(shared: Shared, own_redis: ValkeyServer, fault: str) -> None:
    """A write in the background finds out."""
    getattr(own_redis, fault)()
    shared.patience = PATIENCE
    assert await shared.read("users") is None
    shared.patience = DEADLINE
    await shared.settle()
    assert not shared.answers
    own_redis.thaw() if fault == "freeze" else await own_redis.start()
    shared.offer("users", 2, b"{}", 60)

    async def shares() -> bool:
        shared.offer("users", 2, b"{}", 60)
        await shared.settle()
        return shared.answers

    await eventually(shares)
    assert await shared.read("users") == (2, b"{}")
