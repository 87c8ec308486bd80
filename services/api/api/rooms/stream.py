"""`GET /api/rooms/<room>/events/`: a room as Server-Sent Events.

Each event has the frame of the WebSocket protocol as its data and the frame's `type` as its name; a message carries its
number as the event id, so a browser's `EventSource` resumes by itself with `Last-Event-ID`.
"""

import asyncio
from collections.abc import AsyncIterator

import structlog
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from accounts.credentials import Credential
from accounts.requests import held, signed_in
from api.rooms.delivery import event, hub
from api.sign_in.limits import client_address
from chassis import bus, lifespan
from chassis.errors import BadRequest, Error
from chassis.methods import only
from rooms import on_demand
from rooms.access import RoomAccess

logger = structlog.get_logger(__name__)

HEARTBEAT = 15.0
# Bytes that may wait for a client that does not read; more of them end its stream, and it resumes.
MAX_WAITING = 1024 * 1024


@only("GET")
async def room_events(request: HttpRequest, room: str) -> HttpResponseBase:
    """Stream the room from `Last-Event-ID` (a message's number) or, without one, from its newest 50 messages.

    With `ROOMS_ON_DEMAND` the room is made if there is none.
    """
    entered = await on_demand.open_room(room, signed_in(request).pk, client_address(request))
    after = _last_event_id(request, entered)
    response = StreamingHttpResponse(_stream(entered, after, held(request)), content_type="text/event-stream")
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


class Stream:
    """One client: what waits for it, as a member of the room."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._size = 0
        self._wake: asyncio.Future[None] | None = None
        self._over = self._heartbeat_due = False
        self._quiet = True

    def message(self, frame: bytes) -> None:
        """The room's next message."""
        if self._over:
            return
        self._waiting.append(frame)
        self._size += len(frame)
        self._changed()
        if self._size > MAX_WAITING:
            self.end("too slow")

    def event(self, _: bus.Event, frame: bytes) -> None:
        """Something else happened in the room."""
        self.message(frame)

    def removed(self, error: Error) -> None:
        """The room is gone or another one, or not this client's any more: what waits is not for them to read."""
        self._waiting.clear()
        self.end(error.message)

    def end(self, reason: str) -> None:
        """No more than what waits already."""
        if not self._over:
            logger.info("stream.ended", reason=reason)
        self._over = True
        self._changed()

    def _changed(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What waits, and what comes; a comment where nothing does, which shows a proxy that the stream lives."""
        # One timer that goes on by itself: a timeout around each wait costs more than the rest of the way.
        beating = asyncio.create_task(self._beat(), name="stream-heartbeat")
        try:
            while True:
                if not (self._waiting or self._over or self._heartbeat_due):
                    self._wake = asyncio.get_running_loop().create_future()
                    await self._wake
                waiting, self._waiting, self._size = self._waiting, [], 0
                if waiting:
                    self._quiet = False
                    yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
                elif self._heartbeat_due:
                    yield b": heartbeat\n\n"
                self._heartbeat_due = False
                if self._over and not self._waiting:
                    return
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        # Silence lasts between one and two of these.
        while True:
            await asyncio.sleep(HEARTBEAT / 2)
            if self._quiet:
                self._heartbeat_due = True
                self._changed()
            self._quiet = True


async def _stream(room: RoomAccess, after: int | None, credential: Credential) -> AsyncIterator[bytes]:
    stream = Stream()
    seat = await hub.join(room, stream, credential)
    draining = asyncio.create_task(_end_on_drain(stream))
    try:
        async for chunk in seat.catch_up(after):
            yield chunk
        # Live from here on: what comes while the client takes this waits in `stream`.
        if not seat.over:
            yield event("synced", {"type": "synced", "room": room.name, "seq": seat.seq, "epoch": str(room.epoch)})
        seat.release()
        async for chunk in stream.chunks():
            yield chunk
    finally:
        draining.cancel()
        await hub.leave(seat)


async def _end_on_drain(stream: Stream) -> None:
    await lifespan.drained()
    stream.end("drain")
