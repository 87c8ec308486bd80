"""A reader that does not keep up: it is closed with 4013 and catches up, and nobody waits for it."""

import contextlib
import json
import uuid
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from rooms import events, messages
from rooms.access import RoomAccess
from rooms.senders import Sender
from testing.database import in_scope

from .processes import ADJUSTED, Client, client, running

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("process"), pytest.mark.slow]

LIMIT = 512 * 1024
# Seconds. A client on a slow machine reads what is left when it gets to it.
PATIENCE = {"TOO_SLOW_SECONDS": "60"}
NOTICE = "x" * 32 * 1024
# More than the kernel's buffers on both sides take, with a wide margin.
MOST_NOTICES = 4000


async def rest(connected: Client) -> list[int]:
    """The numbers of all messages that come before the server closes."""
    numbers = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            frame = await connected.frame()
            if frame["type"] == "message":
                numbers.append(frame["seq"])
    return numbers


async def test_reader_that_stops(room: RoomAccess) -> None:
    """It is closed with 4013 once so much waits for it; others get everything meanwhile, and it catches up."""
    env = {"OUTBOUND_LIMIT": str(LIMIT), **PATIENCE}
    async with running(None, ADJUSTED, **env) as service, client(service.port, room.name) as reader:
        await reader.next("synced")
        async with client(service.port, room.name) as stopped:
            synced = await stopped.next("synced")
            # From here on its client takes what its own queue holds, then leaves the rest to the kernel.
            await reader.post("first")
            for _ in range(MOST_NOTICES):
                assert await events.notify(room.name, NOTICE)
                await reader.next("notice")
                if too_slow := [line for line in service.lines if line["event"] == "socket.too_slow"]:
                    break
            assert too_slow[0]["unsent"] < LIMIT + 2 * len(NOTICE)
            await reader.post("second")
            seen = await rest(stopped)
            assert await stopped.closed() == 4013
        await reader.post("third")
        query = f"?since={seen[-1]}&epoch={synced['epoch']}"
        async with client(service.port, room.name, query) as again:
            numbers = []
            while (frame := await again.frame())["type"] != "synced":
                numbers.append(frame["seq"])
        assert seen + numbers == [1, 2, 3]
        assert len([line for line in service.lines if line["event"] == "socket.too_slow"]) == 1
        assert "Traceback" not in service.text


async def test_long_replay(room: RoomAccess) -> None:
    """Somebody who comes back to more than the bound gets all of it: a replay waits for its reader."""
    count, sender = 300, Sender("guest:0123456789abcdef", "guest-0123")

    async def fill() -> Any:
        for _ in range(count):
            await messages.post(room, sender, uuid.uuid4(), "x" * 4096)

    await in_scope(fill())
    query = f"?since=0&epoch={room.epoch}"
    env = {"OUTBOUND_LIMIT": str(64 * 1024), **PATIENCE}
    async with (
        running(None, ADJUSTED, **env) as service,
        client(service.port, room.name, query) as connected,
    ):
        numbers = [json.loads(await connected.connection.recv())["seq"] for _ in range(count)]
        assert numbers == list(range(1, count + 1))
        await connected.next("synced")
