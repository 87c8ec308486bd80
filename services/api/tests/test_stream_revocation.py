"""A stream ends with what opened it, and with the membership that admitted it."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio

from accounts.models import AccessToken, User
from accounts.sessions import SessionStore
from api.rooms.delivery import hub
from chassis import bus
from chassis.errors import Forbidden
from rooms import access, events, messages, names, senders
from rooms.hub import Seat
from rooms.messages import StoredMessage
from rooms.models import Membership, Room
from testing.database import in_scope
from testing.people import bearer
from testing.waiting import eventually

from .test_stream import Stream

type Open = Callable[[dict[str, str]], Awaitable[Stream]]


@pytest_asyncio.fixture
async def private(user: User) -> Room:
    """A private room with Ada in it."""
    room: Room = await in_scope(Room.async_objects.acreate(name="private", title="Private", public=False))
    await in_scope(Membership.async_objects.acreate(room_id=room.pk, user_id=user.pk))
    return room


@pytest_asyncio.fixture
async def opened(process: None, private: Room) -> AsyncIterator[Open]:
    """Opens streams of the private room that are up to date when they are returned."""
    streams: list[Stream] = []

    async def open_one(headers: dict[str, str]) -> Stream:
        streams.append(Stream("/api/rooms/private/events/", headers))
        assert await streams[-1].start() == 200
        await streams[-1].events_until("synced")
        return streams[-1]

    yield open_one
    for stream in streams:
        stream.leave()
        with contextlib.suppress(asyncio.CancelledError):
            await stream.ended()


def seats(room: Room) -> list[Seat]:
    """Who is in the room in this process."""
    return list(hub._feeds[room.pk].seats)


async def store(user: User) -> StoredMessage:
    """A message that nobody is told of."""

    async def work() -> StoredMessage:
        room = await access.enter("private", user.pk)
        return (await messages.post(room, senders.from_user(user), uuid.uuid4(), "late")).message

    return await in_scope(work())


async def test_sign_out(opened: Open, make_client: Callable[..., httpx.AsyncClient], user: User) -> None:
    """Signing out with a token ends the streams that it opened, and no others."""
    from api.asgi import application

    headers = await bearer(user)
    stream, other = await opened(headers), await opened(await bearer(user))
    async with make_client(application, headers=headers) as client:
        assert (await client.post("/api/logout/")).status_code == 200
    assert await stream.body() == b""
    await stream.ended()
    # What is said after the sign-out reaches the other one: it was not concerned.
    assert await events.notify("private", "after")
    await other.events_until("notice")


async def test_session(opened: Open, session_client: httpx.AsyncClient, private: Room) -> None:
    """The same for a session: the stream remembers the cookie that it was opened with."""
    stream = await opened({"Cookie": f"sessionid={session_client.cookies['sessionid']}"})
    assert (await session_client.post("/api/logout/")).status_code == 200
    assert await stream.body() == b""


async def test_member_removed(opened: Open, staff_client: httpx.AsyncClient, user: User) -> None:
    """When a membership is taken its user's streams of the room end."""
    stream = await opened(await bearer(user))
    assert (await staff_client.delete("/api/rooms/private/members/ada/")).status_code == 200
    assert await stream.body() == b""


@pytest.mark.parametrize("what", ["token", "session", "membership"])
async def test_no_event_came(
    opened: Open, session_client: httpx.AsyncClient, user: User, private: Room, what: str
) -> None:
    """Where events may have been lost the truth is asked for, and the stream ends all the same."""
    key = session_client.cookies["sessionid"]
    stream = await opened({"Cookie": f"sessionid={key}"} if what == "session" else await bearer(user))
    match what:
        case "token":
            await in_scope(AccessToken.async_objects.all().adelete())
        case "session":
            await in_scope(SessionStore(key).adelete())
        case "membership":
            await in_scope(Membership.async_objects.all().adelete())
    assert await bus.publish(names.group("private"), bus.Event(bus.GAP, {}))
    assert await stream.body() == b""


async def test_no_later_frame(opened: Open, user: User, private: Room) -> None:
    """What waited for the client and what comes later is not sent to somebody who was told to leave."""
    stream = await opened(await bearer(user))
    seat = seats(private)[0]
    first, second = await store(user), await store(user)
    # Nothing is awaited in between: the first is in the stream's queue, not on its way.
    hub.posted(private.pk, first)
    seat.end(Forbidden())
    hub.posted(private.pk, second)
    seat.member.message(b"data: late\n\n")
    assert await stream.body() == b""


async def test_nobody_stays_behind(opened: Open, staff_client: httpx.AsyncClient, user: User, private: Room) -> None:
    """An ended stream leaves its seat and its subscriptions."""
    stream = await opened(await bearer(user))
    await staff_client.delete("/api/rooms/private/members/ada/")
    await stream.ended()
    await eventually(lambda: private.pk not in hub._feeds, what="the room is forgotten")
    assert f"user.{user.pk}" not in bus.inbox._handlers
