"""What no event told: a process without Redis finds out by itself, and one without PostgreSQL closes nobody."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from accounts import tickets, tokens
from accounts.middleware import session_user
from accounts.models import AccessToken, User
from accounts.sessions import SessionStore
from realtime.close_codes import CloseCode
from rooms.access import RoomAccess
from rooms.models import Membership
from testing.database import in_scope
from testing.people import sign_in, ticket
from testing.rooms import MakeRoom

from .conftest import cookie
from .processes import Client, Process, Proxy, client, database_url, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ORIGIN = "http://localhost:8000"
ENV = {"ALLOWED_ORIGINS": ORIGIN, "RECHECK_SECONDS": "0.1"}


@pytest_asyncio.fixture(scope="module")
async def process(_test_database: None) -> AsyncIterator[Process]:
    """A process that never finds its Redis: no event reaches it."""
    async with running(**ENV, REDIS_URL="redis://127.0.0.1:9/0") as process:
        yield process


async def opened(stack: AsyncExitStack, port: int, room: str, secret: str = "", **headers: str) -> Client:
    """A client that is up to date, by ticket or by cookie."""
    options: dict[str, Any] = {"subprotocols": ["millrace.v1", f"ticket.{secret}"]} if secret else {}
    origin = headers.pop("Origin", None)
    entered = client(port, room, **options, origin=origin, additional_headers=headers)
    found = await stack.enter_async_context(entered)
    await found.next("synced")
    return found


async def test_session_ended(process: Process, make_room: MakeRoom, ada: User) -> None:
    """Sockets by cookie, and by a ticket that was bought with the session, are closed with 4001."""
    room, key = await make_room(), await sign_in(ada)
    secret = await in_scope(tickets.issue(ada, room.name, session_key=key))
    async with AsyncExitStack() as stack:
        sockets = [
            await opened(stack, process.port, room.name, Cookie=f"sessionid={key}", Origin=ORIGIN),
            await opened(stack, process.port, room.name, secret),
        ]
        await in_scope(SessionStore(key).adelete())
        assert [await each.closed() for each in sockets] == [CloseCode.NOT_SIGNED_IN] * 2


async def test_session_signed_with_a_new_key(process: Process, make_room: MakeRoom, ada: User, settings: Any) -> None:
    """A request after a rotation of SECRET_KEY signs the session anew; its sockets stay, through many rechecks."""
    room, key = await make_room(), await sign_in(ada)
    secret = await in_scope(tickets.issue(ada, room.name, session_key=key))
    async with AsyncExitStack() as stack:
        sockets = [
            await opened(stack, process.port, room.name, Cookie=f"sessionid={key}", Origin=ORIGIN),
            await opened(stack, process.port, room.name, secret),
        ]
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-key-" * 5, [settings.SECRET_KEY]
        assert await in_scope(session_user(SessionStore(key))) == ada
        settings.SECRET_KEY_FALLBACKS = []
        assert await in_scope(session_user(SessionStore(key))) == ada
        for _ in range(2):
            await one_recheck(stack, process, room, ada)
        assert [(await each.post("still here"))["seq"] for each in sockets] == [1, 2]


async def one_recheck(stack: AsyncExitStack, process: Process, room: RoomAccess, user: User) -> None:
    """Wait for the next recheck of all sockets: it closes one whose token was revoked."""
    _, token = await in_scope(tokens.issue(user))
    secret = await in_scope(tickets.issue(user, room.name, access_token=token))
    canary = await opened(stack, process.port, room.name, secret)
    await in_scope(tokens.revoke(token))
    assert await canary.closed() == CloseCode.NOT_SIGNED_IN


async def test_token_revoked(process: Process, make_room: MakeRoom, ada: User) -> None:
    """A socket by a ticket that was bought with a token ends with the token."""
    room, (_, token) = await make_room(), await in_scope(tokens.issue(ada))
    secret = await in_scope(tickets.issue(ada, room.name, access_token=token))
    async with AsyncExitStack() as stack:
        socket = await opened(stack, process.port, room.name, secret)
        await in_scope(AccessToken.async_objects.filter(pk=token.pk).adelete())
        assert await socket.closed() == CloseCode.NOT_SIGNED_IN


async def test_membership_taken(process: Process, make_room: MakeRoom, ada: User) -> None:
    """4003, while somebody else in the room stays."""
    room = await make_room(public=False, member=ada)
    bob: User = await in_scope(User.async_objects.acreate(username="bob", password="!"))
    await in_scope(Membership.async_objects.acreate(room_id=room.id, user_id=bob.pk))
    async with AsyncExitStack() as stack:
        hers = await opened(stack, process.port, room.name, await ticket(ada, room))
        his = await opened(stack, process.port, room.name, await ticket(bob, room))
        await in_scope(Membership.async_objects.filter(user_id=ada.pk).adelete())
        assert await hers.closed() == CloseCode.FORBIDDEN
        assert (await his.post("still here"))["seq"] == 1


async def test_database_down(make_room: MakeRoom, ada: User) -> None:
    """While PostgreSQL is away nobody is closed; what happened meanwhile is found when it is back."""
    proxy = Proxy()
    await proxy.mend()
    room, cookies = await make_room(public=False, member=ada), await cookie(ada, ORIGIN)
    async with running(**ENV, DATABASE_URL=database_url(proxy.port)) as process, AsyncExitStack() as stack:
        socket = await opened(stack, process.port, room.name, **cookies)
        await proxy.cut()
        await in_scope(Membership.async_objects.filter(user_id=ada.pk).adelete())
        await process.logged("guard.failed")
        await socket.connection.send('{"type": "ping"}')
        await socket.next("pong")
        await proxy.mend()
        assert await socket.closed() == CloseCode.FORBIDDEN
    await proxy.cut()
