"""Starlette with broadcaster over Redis, as broadcaster's own example has it, and Server-Sent Events from the same."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator

from broadcaster import Broadcast
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bench.peers import envelope

broadcast = Broadcast(os.environ["REDIS_URL"])


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Connected to Redis."""
    async with broadcast:
        yield


async def chat(socket: WebSocket) -> None:
    """One socket: a task that receives, one that sends."""
    await socket.accept()
    room = socket.path_params["room"]
    sending = asyncio.create_task(send(socket, room))
    try:
        while True:
            text = json.loads(await socket.receive_text())["message"]
            await broadcast.publish(room, json.dumps(envelope.message(room, text)))
    except WebSocketDisconnect:
        pass
    finally:
        sending.cancel()


async def send(socket: WebSocket, room: str) -> None:
    """What the room's channel brings."""
    async with broadcast.subscribe(room) as events:
        await socket.send_text(envelope.READY)
        async for event in events:
            await socket.send_text(event.message)


async def stream(request: Request) -> StreamingResponse:
    """The room as Server-Sent Events."""
    return StreamingResponse(events_of(request.path_params["room"]), media_type="text/event-stream")


async def events_of(room: str) -> AsyncIterator[str]:
    """An event a message."""
    async with broadcast.subscribe(room) as events:
        yield f"event: synced\ndata: {envelope.READY}\n\n"
        async for event in events:
            yield f"event: message\nid: 1\ndata: {event.message}\n\n"


async def post(request: Request) -> JSONResponse:
    """Send a message to the room."""
    room = request.path_params["room"]
    text = (await request.json())["message"]
    await broadcast.publish(room, json.dumps(envelope.message(room, text)))
    return JSONResponse({}, 201)


app = Starlette(
    routes=[
        WebSocketRoute("/ws/chat/{room}/", chat),
        Route("/api/rooms/{room}/events/", stream),
        Route("/api/rooms/{room}/messages/", post, methods=["POST"]),
    ],
    lifespan=lifespan,
)
