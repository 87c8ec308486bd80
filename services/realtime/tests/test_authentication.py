"""Who may open a socket: cookies and their Origin, tickets, guests; each refusal with its code."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, SESSION_KEY
from django.utils import timezone

from accounts import credentials
from accounts.models import Session, User, WebSocketTicket
from accounts.sessions import SessionStore
from realtime import authentication, chat
from realtime.close_codes import CloseCode
from rooms.access import RoomAccess
from testing.database import in_scope
from testing.people import make_user, sign_in, ticket
from testing.rooms import MakeRoom
from testing.waiting import DEADLINE

from .conftest import ORIGIN, Connect, Socket, cookie

type MakeSocket = Callable[..., Socket]

FOREIGN = [
    "https://chat.example.org",
    "https://chat.example.org:8444",
    "http://chat.example.org:8443",
    "https://chat.example.org:8443.evil.example",
    "https://evil.example/https://chat.example.org:8443",
    "https://CHAT.example.org:8443",
    "https://sub.chat.example.org:8443",
    "null",
    "",
    "*",
]


async def speaker(socket: Socket) -> str:
    """The name under which the socket posts."""
    await socket.send(message="who am I?")
    name: str = (await socket.next("message"))["username"]
    return name


async def test_session_cookie(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A signed-in browser is its user."""
    assert await speaker(await connect(room.name, **await cookie(ada))) == "ada"


@pytest.mark.parametrize("origin", FOREIGN)
async def test_cookie_from_another_origin(make_socket: MakeSocket, room: RoomAccess, ada: User, origin: str) -> None:
    """A cookie with any Origin but an allowed one, to the letter, is refused in the handshake."""
    assert await make_socket(room.name, **await cookie(ada, origin)).rejected()


async def test_cookie_without_origin(make_socket: MakeSocket, room: RoomAccess, ada: User) -> None:
    """A cookie without an Origin is refused: no browser sends that."""
    assert await make_socket(room.name, Cookie=f"sessionid={await sign_in(ada)}").rejected()


async def test_two_origins(make_socket: MakeSocket, room: RoomAccess, ada: User) -> None:
    """An Origin header that is there twice is refused, even if one of them is allowed."""
    socket = make_socket(room.name, **await cookie(ada))
    socket.communicator.scope["headers"].append((b"origin", b"https://evil.example"))
    assert await socket.rejected()


@pytest.mark.parametrize("origin", FOREIGN)
async def test_guest_from_another_origin(make_socket: MakeSocket, room: RoomAccess, origin: str) -> None:
    """A page elsewhere cannot connect its visitors as guests."""
    assert await make_socket(room.name, Origin=origin).rejected()


async def test_guest(connect: Connect, room: RoomAccess) -> None:
    """Without credentials one is a guest with a name of their own."""
    assert (await speaker(await connect(room.name, Origin=ORIGIN))).startswith("guest-")


async def test_guests_not_admitted(connect: Connect, room: RoomAccess, settings: Any) -> None:
    """Where the site admits no guests: 4001."""
    settings.ALLOW_GUESTS = False
    assert await (await connect(room.name)).closed() == CloseCode.NOT_SIGNED_IN


async def test_guest_in_a_private_room(connect: Connect, make_room: MakeRoom) -> None:
    """A room that is not public asks a guest to sign in."""
    room = await make_room(public=False)
    assert await (await connect(room.name)).closed() == CloseCode.NOT_SIGNED_IN


async def test_not_a_member(connect: Connect, make_room: MakeRoom, ada: User) -> None:
    """A user who is no member of a private room: 4003."""
    room = await make_room(public=False)
    assert await (await connect(room.name, **await cookie(ada))).closed() == CloseCode.FORBIDDEN


@pytest.mark.parametrize("name", ["none", "a%0A", "%D9%A1", "a-b", "x" * 65, "%FF"])
async def test_no_such_room(connect: Connect, name: str) -> None:
    """A room that does not exist or cannot: 4004."""
    assert await (await connect(name)).closed() == CloseCode.NO_SUCH_ROOM


async def test_unknown_path(make_socket: MakeSocket) -> None:
    """A path that is no room's is refused in the handshake."""
    assert await make_socket("a/b").rejected()


async def test_session_survives_a_new_secret_key(connect: Connect, room: RoomAccess, ada: User, settings: Any) -> None:
    """After a rotation with a fallback the user is known, and the session is left as the browser knows it."""
    headers = await cookie(ada)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-key-" * 5, [settings.SECRET_KEY]
    assert await speaker(await connect(room.name, **headers)) == "ada"
    assert await in_scope(SessionStore().aexists(headers["Cookie"].removeprefix("sessionid=")))


async def test_secret_key_without_fallback(connect: Connect, room: RoomAccess, ada: User, settings: Any) -> None:
    """Without a fallback nobody can read the session: its holder is a guest."""
    headers = await cookie(ada)
    settings.SECRET_KEY = "a-new-key-" * 5
    assert (await speaker(await connect(room.name, **headers))).startswith("guest-")


async def test_changed_password(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A changed password ends the sessions that were opened with the old one."""
    headers = await cookie(ada)
    await in_scope(User.async_objects.filter(pk=ada.pk).aupdate(password="!another"))
    assert (await speaker(await connect(room.name, **headers))).startswith("guest-")


async def test_inactive_user(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A user who was deactivated is nobody."""
    headers = await cookie(ada)
    await in_scope(User.async_objects.filter(pk=ada.pk).aupdate(is_active=False))
    assert (await speaker(await connect(room.name, **headers))).startswith("guest-")


async def test_expired_session(connect: Connect, room: RoomAccess, ada: User) -> None:
    """An expired session is nobody's."""
    headers = await cookie(ada)
    await in_scope(Session.async_objects.all().aupdate(expire_date=timezone.now() - timedelta(seconds=1)))
    assert (await speaker(await connect(room.name, **headers))).startswith("guest-")


async def test_session_of_another_backend(database: None, ada: User) -> None:
    """A session that another authentication backend signed in is not taken."""
    session = SessionStore()
    await session.aset(SESSION_KEY, str(ada.pk))
    await session.aset(BACKEND_SESSION_KEY, "somebody.else.Backend")
    await in_scope(session.asave())
    assert await in_scope(authentication.by_session(str(session.session_key))) is None


async def test_ticket_as_subprotocol(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A ticket among the subprotocols admits its user from any Origin; the protocol is selected, never the ticket."""
    offered = ("millrace.v1", f"ticket.{await ticket(ada, room)}")
    socket = await connect(room.name, subprotocols=offered, Origin="https://elsewhere.example")
    assert socket.subprotocol == "millrace.v1"
    assert await speaker(socket) == "ada"


async def test_a_refusal_selects_the_subprotocol(connect: Connect, room: RoomAccess) -> None:
    """Whoever is turned away gets the subprotocol too: without it a browser would not get as far as the close code."""
    for place, offered in ((room.name, ("millrace.v1", "ticket.bad")), ("nowhere", ("millrace.v1",))):
        socket = await connect(place, subprotocols=offered)
        assert socket.subprotocol == "millrace.v1"
        assert await socket.closed() in {CloseCode.NOT_SIGNED_IN, CloseCode.NO_SUCH_ROOM}


async def test_subprotocol_without_ticket(connect: Connect, room: RoomAccess) -> None:
    """The protocol's name may be offered without a ticket."""
    socket = await connect(room.name, subprotocols=("other", "millrace.v1"))
    assert socket.subprotocol == "millrace.v1"


async def test_ticket_beats_cookie(connect: Connect, room: RoomAccess, ada: User) -> None:
    """Where there is a ticket the cookie is not looked at."""
    grace = await make_user("grace")
    offered = ("millrace.v1", f"ticket.{await ticket(grace, room)}")
    assert await speaker(await connect(room.name, subprotocols=offered, **await cookie(ada))) == "grace"


async def test_ticket_is_used_once(connect: Connect, room: RoomAccess, ada: User) -> None:
    """The second socket with a ticket is closed with 4001."""
    offered = ("millrace.v1", f"ticket.{await ticket(ada, room)}")
    await (await connect(room.name, subprotocols=offered)).next("synced")
    assert await (await connect(room.name, subprotocols=offered)).closed() == CloseCode.NOT_SIGNED_IN


async def test_ticket_for_another_room(connect: Connect, make_room: MakeRoom, ada: User) -> None:
    """A ticket admits to its own room only."""
    here, there = await make_room(), await make_room()
    offered = ("millrace.v1", f"ticket.{await ticket(ada, here)}")
    assert await (await connect(there.name, subprotocols=offered)).closed() == CloseCode.NOT_SIGNED_IN


async def test_expired_ticket(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A ticket is good for its lifetime only."""
    offered = ("millrace.v1", f"ticket.{await ticket(ada, room)}")
    await in_scope(WebSocketTicket.async_objects.all().aupdate(expires_at=timezone.now() - timedelta(seconds=1)))
    assert await (await connect(room.name, subprotocols=offered)).closed() == CloseCode.NOT_SIGNED_IN


async def test_ticket_of_an_inactive_user(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A user who was deactivated after buying a ticket is not admitted."""
    offered = ("millrace.v1", f"ticket.{await ticket(ada, room)}")
    await in_scope(User.async_objects.filter(pk=ada.pk).aupdate(is_active=False))
    assert await (await connect(room.name, subprotocols=offered)).closed() == CloseCode.NOT_SIGNED_IN


async def test_empty_ticket_is_no_guest(connect: Connect, room: RoomAccess) -> None:
    """An empty secret is a bad ticket, not none."""
    assert await (await connect(room.name, subprotocols=("ticket.",))).closed() == CloseCode.NOT_SIGNED_IN


async def test_ticket_as_first_frame(connect: Connect, room: RoomAccess, ada: User) -> None:
    """`?auth=ticket` and a ticket as the first frame; the cookie and the Origin are not looked at."""
    socket = await connect(room.name, "auth=ticket", **await cookie(await make_user("grace"), "https://evil.example"))
    await socket.send(type="auth", ticket=await ticket(ada, room))
    assert await speaker(socket) == "ada"


@pytest.mark.parametrize(
    "frame", [{"type": "auth", "ticket": "made-up"}, {"type": "auth", "ticket": ""}, {"message": "hi"}]
)
async def test_first_frame_that_is_no_ticket(connect: Connect, room: RoomAccess, frame: dict[str, str]) -> None:
    """Anything but a valid ticket ends it with 4001."""
    socket = await connect(room.name, "auth=ticket")
    await socket.send(**frame)
    assert await socket.closed() == CloseCode.NOT_SIGNED_IN


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"type":"auth"}', '{"type":"nonsense"}'])
async def test_first_frame_that_is_nonsense(connect: Connect, room: RoomAccess, text: str) -> None:
    """So does what is no frame at all."""
    socket = await connect(room.name, "auth=ticket")
    await socket.send_text(text)
    assert await socket.closed() == CloseCode.NOT_SIGNED_IN


async def test_first_frame_does_not_come(connect: Connect, room: RoomAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who announces a ticket and sends none is closed with 4001."""
    monkeypatch.setattr(chat, "TICKET_TIMEOUT", 0.05)
    assert await (await connect(room.name, "auth=ticket")).closed() == CloseCode.NOT_SIGNED_IN


async def test_leaving_before_the_first_frame(connect: Connect, room: RoomAccess) -> None:
    """Who goes instead of sending a ticket leaves nothing behind."""
    socket = await connect(room.name, "auth=ticket")
    await socket.leave()
    assert socket.communicator.future.exception() is None


async def test_second_ticket(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A socket has one identity for its life: a later ticket is an error."""
    socket = await connect(room.name)
    await socket.send(type="auth", ticket=await ticket(ada, room))
    assert (await socket.next("error"))["code"] == "bad_request"
    assert (await speaker(socket)).startswith("guest-")


async def test_ticket_in_the_url(connect: Connect, room: RoomAccess, ada: User) -> None:
    """A ticket in the query string is not looked at: URLs end up in logs."""
    socket = await connect(room.name, f"ticket={await ticket(ada, room)}&token={await ticket(ada, room)}")
    assert (await speaker(socket)).startswith("guest-")


async def test_identity_remembers_its_credential(room: RoomAccess, ada: User) -> None:
    """What a socket was opened with is kept, so that revoking it can end the socket."""
    key = await sign_in(ada)
    found = await in_scope(authentication.by_session(key))
    assert found is not None
    assert found.credential == credentials.by_session(ada, key)
    assert found.sender.user_id == ada.pk


async def test_joins_at_once_share_one_ticket(make_socket: MakeSocket, room: RoomAccess, ada: User) -> None:
    """Of ten sockets that use one ticket at the same time exactly one is admitted."""
    offered = ("millrace.v1", f"ticket.{await ticket(ada, room)}")

    async def admitted() -> bool:
        socket = await make_socket(room.name, subprotocols=offered).open()
        return bool((await socket.communicator.receive_output(DEADLINE))["type"] == "websocket.send")

    assert sum(await asyncio.gather(*(admitted() for _ in range(10)))) == 1
