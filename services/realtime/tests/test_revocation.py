"""A socket ends with the credential that opened it, and with the membership that admitted it."""

import uuid

from accounts import events, tickets
from accounts.models import User
from accounts.sessions import SessionStore
from chassis.errors import Forbidden
from realtime.authentication import SUBPROTOCOL
from realtime.close_codes import CloseCode
from realtime.delivery import hub
from rooms import events as room_events
from rooms import memberships, messages, senders
from rooms.access import RoomAccess
from testing.database import in_scope
from testing.people import sign_in
from testing.rooms import MakeRoom
from testing.waiting import DEADLINE, eventually

from .conftest import ORIGIN, Connect, Socket


async def open_with(connect: Connect, room: RoomAccess, session_key: str) -> Socket:
    """A socket by session cookie, up to date."""
    socket = await connect(room.name, Cookie=f"sessionid={session_key}", Origin=ORIGIN)
    await socket.until("synced")
    return socket


async def test_signed_out(connect: Connect, room: RoomAccess, ada: User) -> None:
    """When its session ends the socket is closed with 4001."""
    key = await sign_in(ada)
    socket = await open_with(connect, room, key)
    await announced(socket, ada, session_key=key)
    assert await socket.closed() == CloseCode.NOT_SIGNED_IN


async def test_other_sessions_stay(connect: Connect, room: RoomAccess, ada: User) -> None:
    """Signing out in one place closes nothing in another."""
    socket = await open_with(connect, room, await sign_in(ada))
    await events.announce_sign_out(ada.pk, session_key=await sign_in(ada))
    await events.announce_sign_out(ada.pk, access_token_id=1)
    assert (await socket.post("still here"))["seq"] == 1


async def test_all_of_a_user(connect: Connect, room: RoomAccess, ada: User) -> None:
    """When the user is deactivated or deleted, every socket of theirs is closed."""
    sockets = [await open_with(connect, room, await sign_in(ada)) for _ in range(2)]
    for socket in sockets:
        await announced(socket, ada)
        assert await socket.closed() == CloseCode.NOT_SIGNED_IN


async def test_others_stay(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A guest in the same room is not concerned."""
    guest = await connect(room.name)
    await guest.until("synced")
    await events.announce_sign_out(ada.pk)
    assert (await guest.post("still here"))["seq"] == 1


async def announced(socket: Socket, user: User, session_key: str = "") -> None:
    """Announce it until the socket has heard, which may still be joining."""

    async def heard() -> bool:
        await events.announce_sign_out(user.pk, session_key=session_key)
        return bool(socket.communicator.future.done())

    await eventually(heard, what="the application has ended")


async def test_member_removed(connect: Connect, make_room: MakeRoom, ada: User) -> None:
    """When a membership is taken its user's sockets in the room are closed with 4003, and those elsewhere are not."""
    private, elsewhere = await make_room(public=False, member=ada), await make_room(public=False, member=ada)
    key = await sign_in(ada)
    removed, staying = await open_with(connect, private, key), await open_with(connect, elsewhere, key)
    await in_scope(memberships.remove(private.name, "ada"))
    room_events.announce_removal(private.name, ada.pk)
    assert await removed.closed() == CloseCode.FORBIDDEN
    assert (await staying.post("still here"))["seq"] == 1


async def test_no_later_frame(connect: Connect, make_room: MakeRoom, ada: User) -> None:
    """What is stored after somebody was told to leave does not reach them, though the close is still on its way."""
    private = await make_room(public=False, member=ada)
    socket = await open_with(connect, private, await sign_in(ada))
    seat = next(iter(hub._feeds[private.id].seats))

    async def post() -> messages.Posted:
        return await messages.post(private, senders.from_user(ada), uuid.uuid4(), "late")

    posted = await in_scope(post())
    # Nothing is awaited in between: the consumer has had no chance to close.
    seat.end(Forbidden())
    hub.posted(private.id, posted.message)
    seat.member.message(b"\x81\x02{}")
    frames = []
    while (output := await socket.communicator.receive_output(DEADLINE))["type"] != "websocket.close":
        frames.append(output["text"])
    assert not [frame for frame in frames if '"message"' in frame or frame == "{}"]
    assert output["code"] == CloseCode.FORBIDDEN


async def test_ticket_of_a_session_that_ended(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A ticket does not outlive the session that it was bought with."""
    key = await sign_in(ada)
    ticket = await in_scope(tickets.issue(ada, room.name, session_key=key))
    await in_scope(SessionStore(key).adelete())
    socket = await connect(room.name, subprotocols=(SUBPROTOCOL, f"ticket.{ticket}"))
    assert await socket.closed() == CloseCode.NOT_SIGNED_IN


async def test_ticket_ends_with_its_session(connect: Connect, room: RoomAccess, ada: User) -> None:
    """Nor does the socket that it opened."""
    key = await sign_in(ada)
    ticket = await in_scope(tickets.issue(ada, room.name, session_key=key))
    socket = await connect(room.name, subprotocols=(SUBPROTOCOL, f"ticket.{ticket}"))
    await socket.until("synced")
    await announced(socket, ada, session_key=key)
    assert await socket.closed() == CloseCode.NOT_SIGNED_IN
