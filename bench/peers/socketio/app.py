"""python-socketio with its Redis manager, WebSocket transport only."""

import os
from typing import Any

import socketio

from bench.peers import envelope

server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]),
    transports=["websocket"],
    cors_allowed_origins="*",
    http_compression=False,
)
app = socketio.ASGIApp(server)


@server.on("join")
async def join(sid: str, room: str) -> None:
    """Enter a room."""
    await server.save_session(sid, {"room": room})
    await server.enter_room(sid, room)
    await server.emit("synced", {}, to=sid)


@server.on("message")
async def message(sid: str, data: dict[str, Any]) -> None:
    """Send a message to the room."""
    room = (await server.get_session(sid))["room"]
    await server.emit("message", envelope.message(room, data["message"]), room=room)
