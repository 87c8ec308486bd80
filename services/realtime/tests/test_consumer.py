"""The base consumer: no thread on the way, no message that ends the socket, no socket that outlives its consumer."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django_async_backend.db.transaction import async_atomic

from accounts.models import User
from chassis import database
from realtime.close_codes import CloseCode
from realtime.consumer import Consumer
from rooms.access import RoomAccess
from testing.rooms import MakeRoom
from testing.waiting import DEADLINE, eventually

from .conftest import Connect, Socket


async def test_no_hop_to_the_shared_thread(connect: Connect, room: RoomAccess) -> None:
    """With asgiref's one shared thread busy a socket still joins, posts and leaves."""
    started, release = threading.Event(), threading.Event()

    def block() -> None:
        started.set()
        release.wait()

    busy = asyncio.create_task(sync_to_async(block)())
    await eventually(started.is_set)
    try:
        socket = await connect(room.name)
        assert (await socket.post("no thread needed"))["seq"] == 1
        await socket.leave()
        assert not busy.done()
    finally:
        release.set()
        await busy


async def test_blocked_query_delays_nobody_else(connect: Connect, make_room: MakeRoom) -> None:
    """While a post waits for a lock on its room, a socket in another room is acknowledged."""
    locked, free = await make_room(), await make_room()
    waiting, other = await connect(locked.name), await connect(free.name)
    async with database.connection() as connection:
        async with await connection.cursor() as cursor:
            await cursor.execute("BEGIN")
            await cursor.execute("SELECT 1 FROM rooms_room WHERE id = %s FOR UPDATE", (locked.id,))
            await waiting.send(message="held up")
            assert (await other.post("not held up"))["seq"] == 1
            await cursor.execute("ROLLBACK")
    frames = await waiting.until("ack")
    assert frames[-1]["seq"] == 1


async def test_locked_room(connect: Connect, room: RoomAccess, settings: Any) -> None:
    """A post that waits for a lock is answered with `unavailable`; repeated with its id, it is stored once."""
    socket = await connect(room.name)
    await socket.until("synced")
    post = {"message": "once", "id": str(uuid.uuid4())}
    async with database.connection(), async_atomic():
        await database.fetch_all("SELECT 1 FROM rooms_room WHERE id = %s FOR UPDATE", (room.id,))
        settings.DATABASE_QUERY_TIMEOUT, usual = 0.3, settings.DATABASE_QUERY_TIMEOUT
        await socket.send(**post)
        refused = await socket.next("error")
        settings.DATABASE_QUERY_TIMEOUT = usual
    assert (refused["code"], refused["id"]) == ("unavailable", post["id"])
    await socket.send(**post)
    assert (await socket.next("ack"))["seq"] == 1
    assert (await socket.post("another"))["seq"] == 2


class Broken(Consumer):
    """Accepts, and fails as it is told to."""

    async def connect(self) -> None:
        if self.scope["path"] == "/connect":
            raise ZeroDivisionError
        await self.accept()

    async def received(self, text: str) -> None:
        raise ZeroDivisionError(text)


async def opened(path: str = "/") -> WebsocketCommunicator:
    """A socket on `Broken`."""
    communicator = WebsocketCommunicator(Broken.as_asgi(), path)
    accepted, _ = await communicator.connect(timeout=DEADLINE)
    assert accepted
    return communicator


async def test_failing_handler(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is logged with its traceback and told without it; the socket lives."""
    communicator = await opened()
    await communicator.send_to(text_data="detail")
    expected = {"type": "error", "error": "Internal server error", "code": "internal"}
    assert await communicator.receive_json_from(timeout=DEADLINE) == expected
    await communicator.send_to(text_data="again")
    assert await communicator.receive_json_from(timeout=DEADLINE) == expected
    assert "socket.handler_failed" in caplog.text
    await communicator.disconnect()


async def test_failing_connect() -> None:
    """A failure while joining closes the socket with 4011, after the handshake, so that a browser can read it."""
    communicator = await opened("/connect")
    closed = await communicator.receive_output(DEADLINE)
    assert closed == {"type": "websocket.close", "code": CloseCode.INTERNAL_ERROR}
    await communicator.wait(DEADLINE)


async def test_unknown_type_is_ignored() -> None:
    """A message type that no handler is for does nothing, whatever method of ours it names."""
    communicator = await opened()
    for kind in ("no.such.type", "close", "websocket.accept", "_private"):
        await communicator.send_input({"type": kind})
    await communicator.send_to(text_data="next")
    assert (await communicator.receive_json_from(timeout=DEADLINE))["type"] == "error"
    await communicator.disconnect()


async def test_consumer_that_ends_closes() -> None:
    """A consumer that ends for a reason of its own closes its socket; daphne would keep it as a zombie."""
    communicator = await opened()
    await communicator.send_input({"no": "type"})
    closed = await communicator.receive_output(DEADLINE)
    assert closed == {"type": "websocket.close", "code": CloseCode.INTERNAL_ERROR}
    await communicator.wait(DEADLINE)


async def test_cancelled_consumer_leaves_the_room(
    make_socket: Callable[..., Socket], connect: Connect, room: RoomAccess, ada: User
) -> None:
    """A socket whose application the server cancels has still left its room."""
    watcher = await connect(room.name)
    await watcher.next("user_join")
    socket = await make_socket(room.name).open()
    guest = await watcher.next("user_join")
    socket.communicator.future.cancel()
    await asyncio.wait([socket.communicator.future])
    assert await watcher.next("user_leave") == {"type": "user_leave", "username": guest["username"]}
