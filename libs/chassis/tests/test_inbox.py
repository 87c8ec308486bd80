"""The process's one channel: who hears what, and what happens without Redis."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from channels.layers import channel_layers, get_channel_layer

from chassis import bus
from chassis.bus.publish import MAX_PENDING, _pending
from pubsub_layer.layer import PubSubChannelLayer
from testing.ports import refusing_port
from testing.waiting import eventually


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[bus.Inbox]:
    """An inbox that receives."""
    inbox = bus.Inbox()
    async with inbox.running():
        yield inbox


@pytest.fixture
def group() -> str:
    """A group of this test's own: PUBLISH reaches every database of a Redis, another run's too."""
    return f"test.{uuid.uuid4().hex}"


async def test_all_who_listen_hear(inbox: bus.Inbox, group: str) -> None:
    """Each handler of a group is called with each event, in order, and knows the group."""
    first: list[bus.Event] = []
    second: list[bus.Event] = []
    assert await inbox.listen(group, first.append)
    assert await inbox.listen(group, second.append)
    for number in range(3):
        assert await bus.publish(group, bus.Event("counted", {"n": number}))
    expected = [bus.Event("counted", {"n": number}, group) for number in range(3)]
    await eventually(lambda: first == expected == second)
    await inbox.ignore(group, first.append)
    await inbox.ignore(group, second.append)


async def test_one_subscription(inbox: bus.Inbox, group: str) -> None:
    """However many listen, the layer has one channel in the group, and none after the last."""
    layer = get_channel_layer()
    handlers = [[].append for _ in range(3)]  # type: ignore[var-annotated]
    for handler in handlers:
        await inbox.listen(group, handler)
    [members] = [channels for name, channels in layer.groups.items() if name.endswith(group)]
    assert len(members) == 1
    for handler in handlers:
        await inbox.ignore(group, handler)
    assert not [name for name in layer.groups if name.endswith(group)]


async def test_who_ignores_hears_no_more(inbox: bus.Inbox, group: str) -> None:
    """One that has left is not called, while others are."""
    left: list[bus.Event] = []
    here: list[bus.Event] = []
    await inbox.listen(group, left.append)
    await inbox.listen(group, here.append)
    await inbox.ignore(group, left.append)
    await bus.publish(group, bus.Event("said", {}))
    await eventually(lambda: bool(here))
    assert not left
    await inbox.ignore(group, here.append)


async def test_handler_that_fails(inbox: bus.Inbox, group: str, caplog: pytest.LogCaptureFixture) -> None:
    """A defect in one handler is logged, and costs the others nothing."""
    heard: list[bus.Event] = []

    def broken(event: bus.Event) -> None:
        raise ZeroDivisionError

    await inbox.listen(group, broken)
    await inbox.listen(group, heard.append)
    await bus.publish(group, bus.Event("said", {}))
    await eventually(lambda: bool(heard))
    assert "bus.handler_failed" in caplog.text
    await inbox.ignore(group, broken)
    await inbox.ignore(group, heard.append)


async def test_gap_is_told_to_all(inbox: bus.Inbox, group: str) -> None:
    """A gap of the channel concerns every group, and is no event of any."""
    gaps: list[None] = []
    heard: list[bus.Event] = []
    inbox.on_gap(lambda: gaps.append(None))
    await inbox.listen(group, heard.append)
    await bus.publish(group, bus.Event(bus.GAP, {}))
    await eventually(lambda: bool(gaps))
    assert not heard
    await inbox.ignore(group, heard.append)


async def test_without_redis(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    """Nobody answers: `listen` says so, and everything ends as usual."""
    with refusing_port() as port:
        layer = PubSubChannelLayer(hosts=[f"redis://127.0.0.1:{port}"])
        monkeypatch.setattr(channel_layers, "backends", {"default": layer})
        inbox = bus.Inbox()
        async with inbox.running():
            heard: list[bus.Event] = []
            assert not await inbox.listen(group, heard.append)
            await inbox.ignore(group, heard.append)
        await layer.flush()


async def test_publishes_to_a_frozen_redis_do_not_pile_up(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    """Nobody waits for what is published soon, and what is too much is dropped instead of kept."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        layer = PubSubChannelLayer(hosts=[f"redis://127.0.0.1:{frozen.getsockname()[1]}"])
        monkeypatch.setattr(channel_layers, "backends", {"default": layer})
        async with bus.publishing():
            for _ in range(2 * MAX_PENDING):
                bus.publish_soon(group, bus.Event("said", {}))
            assert len(_pending) == MAX_PENDING
        await eventually(lambda: not _pending)
        await layer.flush()


async def test_published_at_the_end(inbox: bus.Inbox, group: str) -> None:
    """What was published soon before a process ends is still sent: the end of its event loop cancels all tasks."""
    heard: list[bus.Event] = []
    await inbox.listen(group, heard.append)

    async def end_after_publishing() -> None:
        async with bus.publishing():
            bus.publish_soon(group, bus.Event("last words", {}))

    # Another event loop, as another process has. `run` leaves nothing under way when it returns.
    await asyncio.to_thread(asyncio.run, end_after_publishing())
    await eventually(lambda: bool(heard))
    await inbox.ignore(group, heard.append)
