"""`GET /api/rooms/<room>/events/`: a room as Server-Sent Events.

Each event has the frame of the WebSocket protocol as its data and the frame's `type` as its name; a message carries its
number as the event id, so a browser's `EventSource` resumes by itself with `Last-Event-ID`.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import msgspec
import structlog
from channels.layers import get_channel_layer
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from redis.exceptions import RedisError

from accounts.requests import signed_in
from chassis import bus, database, lifespan
from chassis.errors import BadRequest
from chassis.methods import only
from rooms import access, events, messages, names
from rooms.access import RoomAccess
from rooms.cursor import Cursor
from rooms.messages import StoredMessage

logger = structlog.get_logger(__name__)

HEARTBEAT = 15.0
HISTORY = 50
_NAMES = {events.NOTICE: "notice", events.JOINED: "user_join", events.LEFT: "user_leave", events.TYPING: "typing"}


@only("GET")
async def room_events(request: HttpRequest, room: str) -> HttpResponseBase:
    """Stream the room from `Last-Event-ID` (a message's number) or, without one, from its newest 50 messages."""
    entered = await access.enter(room, signed_in(request).pk)
    after = _last_event_id(request, entered)
    response = StreamingHttpResponse(_stream(entered, after), content_type="text/event-stream")
    # A proxy that buffers would hold events back; `no-store` is what EventSource needs from caches.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _last_event_id(request: HttpRequest, room: RoomAccess) -> int | None:
    given = request.headers.get("Last-Event-ID", request.GET.get("since"))
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise BadRequest("Last-Event-ID must be a message number")
    # A number from the future belongs to an epoch that is gone: start over with the newest history.
    return int(given) if int(given) <= room.last_seq else None


async def _stream(room: RoomAccess, after: int | None) -> AsyncIterator[bytes]:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    try:
        # Subscribed before history is read: what is posted in between is announced, and the cursor drops what it knows.
        await _subscribe(layer, names.group(room.name), channel)
        async with database.connection():
            if after is None:
                past = await messages.history(room, limit=HISTORY)
                cursor = Cursor(room, past[-1].seq if past else room.last_seq)
            else:
                cursor = Cursor(room, after)
                past = await cursor.fill()
        for message in past:
            yield _event(_message_frame(message), message.seq)
        yield _event({"type": "synced", "room": room.name, "seq": cursor.seq, "epoch": str(room.epoch)})
        async with contextlib.aclosing(_live(layer, channel, cursor)) as live:
            async for chunk in live:
                yield chunk
    finally:
        await layer.delete_channel(channel)


async def _subscribe(layer: Any, group: str, channel: str) -> None:
    try:
        await layer.group_add(group, channel)
    except RedisError as error:
        # The heartbeats bring what is posted until Redis is back, and the gap that the layer reports then.
        logger.warning("bus.subscribe_failed", group=group, reason=type(error).__name__)


async def _live(layer: Any, channel: str, cursor: Cursor) -> AsyncGenerator[bytes]:
    receiving = asyncio.ensure_future(layer.receive(channel))
    draining = asyncio.ensure_future(lifespan.drained())
    try:
        while True:
            waiting = {receiving, draining}
            done, _ = await asyncio.wait(waiting, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if draining in done:
                return
            if not done:
                # Shows a proxy that the stream lives, and brings what was stored but never announced.
                yield b": heartbeat\n\n"
                for chunk in await _missed(cursor):
                    yield chunk
                continue
            received = receiving.result()
            receiving = asyncio.ensure_future(layer.receive(channel))
            for chunk in await _frames(received, cursor):
                yield chunk
    finally:
        receiving.cancel()
        draining.cancel()


async def _frames(received: dict[str, Any], cursor: Cursor) -> list[bytes]:
    event = bus.decode(received)
    if event is None:
        return []
    if event.name == bus.GAP:
        return await _missed(cursor)
    if event.name == events.MESSAGE:
        try:
            announced = events.message_of(event)
        except msgspec.ValidationError:
            logger.warning("bus.malformed_event", bus_event=event.name)
            return []
        async with database.connection():
            return [_event(_message_frame(message), message.seq) for message in await cursor.accept(announced)]
    if event.name in _NAMES:
        return [_event({"type": _NAMES[event.name], **event.data})]
    return []


async def _missed(cursor: Cursor) -> list[bytes]:
    async with database.connection():
        return [_event(_message_frame(message), message.seq) for message in await cursor.fill()]


def _message_frame(message: StoredMessage) -> dict[str, Any]:
    return {"type": "message", **msgspec.structs.asdict(message)}


def _event(frame: dict[str, Any], seq: int | None = None) -> bytes:
    identifier = b"" if seq is None else b"id: %d\n" % seq
    # JSON has no raw newline, so one data line is always enough.
    return b"%sevent: %s\ndata: %s\n\n" % (identifier, frame["type"].encode(), msgspec.json.encode(frame))
