"""`GET /traces`: messages on their way to this process's sockets, in the demo only."""

from typing import Any

import httpx

from realtime.asgi import application
from rooms.access import RoomAccess
from rooms.hub import traces
from testing.waiting import eventually

from .conftest import Connect


async def ask() -> httpx.Response:
    """What the page answers."""
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.get("/traces")


async def test_a_socket_s_message(connect: Connect, room: RoomAccess, settings: Any) -> None:
    """A message that was posted by a socket here has its poster's times, and did not need Redis."""
    settings.DEMO, settings.SERVICE = True, "realtime-7"
    traces.recent.clear()
    socket = await connect(room.name)
    ack = await socket.post("hello")
    await eventually(lambda: len(traces.recent) == 1)
    [trace] = (await ask()).json()
    assert (trace["room"], trace["seq"], trace["way"], trace["members"]) == (room.name, ack["seq"], "own", 1)
    assert trace["origin"]["by"] == "realtime-7"


async def test_only_in_the_demo(database: None, process: None, settings: Any) -> None:
    """Anywhere else there is no such page."""
    settings.DEMO = False
    assert (await ask()).status_code == 404
