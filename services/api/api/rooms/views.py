"""`/api/rooms/`: rooms, history, posting, and notices sent from async and from sync code."""

import uuid
from http import HTTPStatus

import msgspec
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from dmr import Body, Path, Query, ResponseSpec, modify, validate
from dmr.headers import HeaderSpec

from accounts.requests import signed_in
from api.rooms import queries
from api.rooms.delivery import hub
from api.rooms.schemas import History, HistoryQuery, MessageIn, NoticeIn, RoomList, RoomPath, Sent
from chassis import database
from chassis.controllers import JsonController, SignedIn, responses
from chassis.errors import BadRequest, json_response
from chassis.methods import only
from rooms import access, events, limits, messages, senders
from rooms.hub import traces
from rooms.messages import StoredMessage

_ETAG = {"ETag": HeaderSpec(description="Changes with every message of the room.")}
_ROOM_ERRORS = responses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


class RoomsController(JsonController):
    """The rooms of the caller."""

    tags = ["Rooms"]
    auth = [SignedIn()]

    async def get(self) -> RoomList:
        """Every room that the caller may read."""
        return RoomList(await queries.readable_by(signed_in(self.request).pk))


class MessagesController(JsonController):
    """The messages of a room."""

    tags = ["Rooms"]
    auth = [SignedIn()]

    @validate(
        ResponseSpec(History, status_code=HTTPStatus.OK, headers=_ETAG),
        ResponseSpec(None, status_code=HTTPStatus.NOT_MODIFIED, headers=_ETAG, description="Nothing is new."),
        *_ROOM_ERRORS,
    )
    async def get(self, parsed_path: Path[RoomPath], parsed_query: Query[HistoryQuery]) -> HttpResponse:
        """Messages by number: the newest, or what follows `after`, or what precedes `before`.

        With the `ETag` of an earlier answer in `If-None-Match`: 304, from one look at the room.
        """
        room = await access.enter(parsed_path.room, signed_in(self.request).pk)
        if parsed_query.after is not None and parsed_query.before is not None:
            raise BadRequest("Give either after or before")
        headers = {"ETag": f'"{room.epoch.hex}-{room.last_seq}"'}
        if self.request.META.get("HTTP_IF_NONE_MATCH") == headers["ETag"]:
            return self.to_response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        found = await queries.history_of(room, parsed_query)
        # The head was read before the messages, so it can only be behind them.
        head = max(room.last_seq, found[-1].seq) if found else room.last_seq
        history = History(found, head, room.epoch)
        return self.to_response(history, status_code=HTTPStatus.OK, headers=headers)

    @validate(
        ResponseSpec(StoredMessage, status_code=HTTPStatus.CREATED, description="Stored as the room's next message."),
        ResponseSpec(StoredMessage, status_code=HTTPStatus.OK, description="The same post had been stored before."),
        *_ROOM_ERRORS,
        *responses(HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS),
    )
    async def post(self, parsed_path: Path[RoomPath], parsed_body: Body[MessageIn]) -> HttpResponse:
        """Post a message. It is committed before this answers, and announced to the room's sockets and streams."""
        user = signed_in(self.request)
        room = await access.enter(parsed_path.room, user.pk)
        sender = senders.from_user(user)
        limits.admit(room.name, sender)
        posted = await messages.post(room, sender, parsed_body.id or uuid.uuid4(), parsed_body.message)
        # A repeated post is announced again: the first announcement may be what got lost.
        hub.posted(room.id, posted.message, traces.origin(room, posted))
        return self.to_response(posted.message, status_code=HTTPStatus.CREATED if posted.created else HTTPStatus.OK)


class NotifyController(JsonController):
    """Notices from asynchronous code."""

    tags = ["Rooms"]
    auth = [SignedIn()]

    @modify(status_code=HTTPStatus.OK, extra_responses=_ROOM_ERRORS)
    async def post(self, parsed_path: Path[RoomPath], parsed_body: Body[NoticeIn]) -> Sent:
        """Send a notice to everybody in the room."""
        await access.enter(parsed_path.room, signed_in(self.request).pk)
        await database.release()
        return Sent(await events.notify(parsed_path.room, parsed_body.notice))


@only("POST")
def notify_sync(request: HttpRequest, room: str) -> HttpResponse:
    """`POST /api/rooms/<room>/notify/sync/`: the same from synchronous code, through `async_to_sync`.

    The view runs on one thread of the process's sync pool; the coroutine runs on the event loop, so it may use the
    loop's channel layer and async database connections, and the thread waits for it.
    """
    user = signed_in(request)
    try:
        notice = msgspec.json.decode(request.body, type=NoticeIn)
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from error
    return json_response(Sent(async_to_sync(_notify)(room, user.pk, notice.notice)))


async def _notify(room: str, user_id: int, notice: str) -> bool:
    async with database.connection():
        await access.enter(room, user_id)
    return await events.notify(room, notice)
