"""A socket ends with the credential that opened it."""

from accounts import events
from accounts.models import User
from chassis.testing import eventually
from realtime.close_codes import CloseCode
from rooms.access import RoomAccess

from .conftest import ORIGIN, Connect, Socket, sign_in


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
