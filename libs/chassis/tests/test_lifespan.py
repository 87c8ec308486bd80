"""Start and stop of a process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chassis import lifespan
from testing.waiting import DEADLINE


@pytest.fixture
def resources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two registered resources that record when they are opened and closed, of a process that is not this one.

    This one runs, and has to know so afterwards: it would open everything a second time with the next request.
    """
    monkeypatch.setattr(lifespan, "_state", lifespan._State())
    record: list[str] = []

    def make(name: str) -> lifespan.Resource:
        @contextlib.asynccontextmanager
        async def opened() -> AsyncIterator[None]:
            record.append(f"open {name}")
            try:
                yield
            finally:
                record.append(f"close {name}")

        return opened

    lifespan.resource(make("a"))
    lifespan.resource(make("b"))
    return record


async def run(messages: list[str]) -> list[dict[str, Any]]:
    """Speak the lifespan protocol and return what is sent back."""
    incoming = iter(messages)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": next(incoming)}

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(DEADLINE):
        await lifespan.serve_lifespan(receive, send)
    return sent


async def test_order(resources: list[str]) -> None:
    """Resources are opened in order and closed in reverse, between the two answers."""
    sent = await run(["lifespan.startup", "lifespan.shutdown"])
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert resources == ["open a", "open b", "close b", "close a"]


async def test_failed_start(resources: list[str]) -> None:
    """A resource that can't be opened fails the start; what was open is closed."""

    @contextlib.asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        if resources:
            raise RuntimeError("secret detail")
        yield

    lifespan.resource(broken)
    sent = await run(["lifespan.startup"])
    assert sent == [{"type": "lifespan.startup.failed", "message": "RuntimeError"}]
    assert resources[-1] == "close a"


async def test_registered_once(resources: list[str]) -> None:
    """Registering the same resource again changes nothing."""
    lifespan.resource(lifespan._state.resources[0])
    await run(["lifespan.startup", "lifespan.shutdown"])
    assert resources.count("open a") == 1


async def test_drained(resources: list[str]) -> None:
    """`drained()` returns once the process is told to stop."""
    waiting = asyncio.ensure_future(lifespan.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    lifespan.drain()
    async with asyncio.timeout(DEADLINE):
        await waiting


async def test_server_without_lifespan(resources: list[str]) -> None:
    """Under a server that announces no start, the first request opens everything, once."""
    await asyncio.gather(lifespan.ensure_running(), lifespan.ensure_running())
    assert resources == ["open a", "open b"]
    assert lifespan._state.unannounced is not None
    await lifespan._state.unannounced.__aexit__(None, None, None)
    assert resources[2:] == ["close b", "close a"]
