"""Clients that come back: many of them, in rooms where people talk all the time."""

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections.abc import Iterable
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException

from rooms.access import RoomAccess

from .processes import client

# So many join at once: more would wait for each other longer than a database connection is waited for.
BATCH = 20
# Seconds, for what must happen: only a failure takes that long.
JOIN_SECONDS = 90


class Follower:
    """Follows a room, and after every close goes on where it was; `seqs` are the numbers of all that it was sent."""

    def __init__(self, room: RoomAccess, port: int, returns_to: int) -> None:
        self.room = room
        self.seqs: list[int] = []
        self.codes: list[int | None] = []
        self.live = asyncio.Event()
        self.closed_at = self.back_at = 0.0
        self._port, self._returns_to = port, returns_to
        self._query = ""

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            # What a busy process refuses is tried again, as any client does.
            with contextlib.suppress(OSError, WebSocketException):
                await self._connected()
            await asyncio.sleep(random.uniform(0.05, 0.2))

    async def _connected(self) -> None:
        async with client(self._port, self.room.name, self._query, compression=None) as connected:
            with contextlib.suppress(ConnectionClosed):
                async for text in connected.connection:
                    self._take(json.loads(text))
            self.live.clear()
            self.codes.append(await connected.closed())
            self.closed_at = self.closed_at or time.monotonic()
            self._port = self._returns_to

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "message":
            self.seqs.append(frame["seq"])
        if frame["type"] in {"message", "synced"}:
            self._query = f"?since={frame['seq']}&epoch={self.room.epoch}"
        if frame["type"] == "synced":
            self.back_at = time.monotonic()
            self.live.set()


async def all_live(followers: Iterable[Follower]) -> None:
    """Wait until each of them is told what happens as it happens."""
    async with asyncio.timeout(JOIN_SECONDS):
        for follower in followers:
            await follower.live.wait()


async def start(followers: list[Follower], tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
    """Have all of them follow; they are live when this returns."""
    started = []
    for first in range(0, len(followers), BATCH):
        batch = followers[first : first + BATCH]
        started += [tasks.create_task(follower.follow()) for follower in batch]
        await all_live(batch)
    return started


async def talk(room: RoomAccess, port: int, pause: float, stop: asyncio.Event) -> None:
    """Post to `room` again and again, each message until it is acknowledged."""
    async with client(port, room.name, compression=None) as connected:
        while not stop.is_set():
            post = {"message": "still here", "id": str(uuid.uuid4())}
            answer: dict[str, Any] = {"type": "error"}
            while answer["type"] == "error":
                await connected.connection.send(json.dumps(post))
                while (answer := await connected.frame())["type"] not in {"ack", "error"}:
                    pass
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
