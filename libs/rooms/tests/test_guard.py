"""Who may not be in a room any more has to leave it, whatever becomes of the events that tell so."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from accounts import credentials, tokens
from accounts import events as accounts_events
from accounts.credentials import Credential
from accounts.models import AccessToken, User
from accounts.sessions import SessionStore
from chassis import bus
from chassis.errors import Forbidden, Unauthorized
from rooms import events, memberships, names
from rooms.access import RoomAccess
from rooms.hub import Hub, Seat
from rooms.hub import guard as guard_module
from rooms.models import Membership, Room
from testing.database import connections_in_use, count_queries, in_scope
from testing.rooms import MakeRoom
from testing.waiting import eventually

from .hub_members import Recorder, idle_hub, quick_hub, store


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    """A hub of its own: nobody is asked about by time, nor because they joined; tests that want to be say so."""
    hub = quick_hub()
    async with hub.running():
        yield hub


@pytest_asyncio.fixture
async def asking_hub() -> AsyncIterator[Hub]:
    """A hub that asks about everybody twenty times a second."""
    hub = quick_hub(recheck=0.05)
    async with hub.running():
        yield hub


@pytest_asyncio.fixture
async def private(make_room: MakeRoom, ada: User) -> RoomAccess:
    """A private room with Ada in it."""
    return await make_room(public=False, member=ada)


async def by_session(user: User) -> Credential:
    """A new session of `user`."""
    session = SessionStore()
    await in_scope(session.asave())
    return credentials.by_session(user, session.session_key or "")


async def seated(hub: Hub, room: RoomAccess, held: Credential | None) -> tuple[Recorder, Seat]:
    """A live member whom the hub has asked about because the room is new to it."""
    recorder = Recorder()
    seat = await hub.join(room, recorder, held)
    await recorder.read(seat)
    return recorder, seat


async def settled(statements: list[str]) -> None:
    """Wait for the question that follows the first look at a room's head."""
    await eventually(lambda: any("unnest" in statement for statement in statements), what="asked about the new room")
    await eventually(lambda: connections_in_use() == 0, what="answered")


async def take(user: User) -> None:
    """Take all memberships behind everybody's back: no event, no count."""
    await in_scope(Membership.async_objects.filter(user_id=user.pk).adelete())


async def gone(recorder: Recorder, error: type[Exception]) -> None:
    """Wait until the member was told to leave for that reason."""
    await eventually(lambda: recorder.removal is not None, what="told to leave")
    assert type(recorder.removal) is error


async def test_found_by_time(asking_hub: Hub, private: RoomAccess, ada: User) -> None:
    """A membership that is gone without a word is found."""
    recorder, seat = await seated(asking_hub, private, await by_session(ada))
    await take(ada)
    await gone(recorder, Forbidden)
    await asking_hub.leave(seat)


@pytest.mark.parametrize("what", ["session", "token", "password", "user"])
async def test_credential_ended(asking_hub: Hub, room: RoomAccess, ada: User, what: str) -> None:
    """A credential that ended without a word is found, in a public room too."""
    _, token = await in_scope(tokens.issue(ada))
    held = await by_session(ada) if what != "token" else Credential(ada.pk, access_token_id=token.pk)
    recorder, seat = await seated(asking_hub, room, held)
    match what:
        case "session":
            await in_scope(SessionStore(held.session_key).adelete())
        case "token":
            await in_scope(AccessToken.async_objects.filter(pk=token.pk).adelete())
        case "password":
            await in_scope(User.async_objects.filter(pk=ada.pk).aupdate(password="!another"))
        case "user":
            await in_scope(User.async_objects.filter(pk=ada.pk).adelete())
    await gone(recorder, Unauthorized)
    await asking_hub.leave(seat)


async def test_room_made_private(asking_hub: Hub, room: RoomAccess, ada: User) -> None:
    """A guest has to sign in, a user has to be a member."""
    guest, first = await seated(asking_hub, room, None)
    user, second = await seated(asking_hub, room, await by_session(ada))
    await in_scope(Room.async_objects.filter(pk=room.id).aupdate(public=False))
    await gone(guest, Unauthorized)
    await gone(user, Forbidden)
    await asking_hub.leave(first)
    await asking_hub.leave(second)


async def test_one_query_for_all(make_room: MakeRoom) -> None:
    """However many members in however many rooms: each turn is one statement."""
    hub = idle_hub()
    async with hub.running():
        seats = []
        for number in range(12):
            user: User = await in_scope(User.async_objects.acreate(username=f"user{number}", password="!"))
            room = await make_room(public=False, member=user)
            seats.append((await seated(hub, room, await by_session(user)))[1])
        for _ in range(3):
            with count_queries() as statements:
                hub._guard.doubt_all()
                await settled(statements)
            assert len(statements) == 1
        assert not any(seat.over for seat in seats)
        for seat in seats:
            await hub.leave(seat)


async def test_very_many(asking_hub: Hub, make_room: MakeRoom, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many for one query each of them is asked about all the same."""
    monkeypatch.setattr(guard_module, "BATCH", 2)
    rooms = [await make_room(public=False, member=ada) for _ in range(5)]
    held = await by_session(ada)
    members = [await seated(asking_hub, room, held) for room in rooms]
    await take(ada)
    for recorder, seat in members:
        await gone(recorder, Forbidden)
        await asking_hub.leave(seat)


async def test_found_by_the_poll(hub: Hub, private: RoomAccess, ada: User) -> None:
    """A removal whose event is lost is found with the next look at the heads: it is counted where they are."""
    with count_queries() as statements:
        recorder, seat = await seated(hub, private, await by_session(ada))
        await settled(statements)
    await in_scope(memberships.remove(private.name, "ada"))
    await gone(recorder, Forbidden)
    await hub.leave(seat)


async def test_found_after_a_gap(hub: Hub, private: RoomAccess, ada: User) -> None:
    """Where events may have been lost everybody is asked about at once."""
    with count_queries() as statements:
        recorder, seat = await seated(hub, private, await by_session(ada))
        await settled(statements)
    await take(ada)
    assert await bus.publish(names.group(private.name), bus.Event(bus.GAP, {}))
    await gone(recorder, Forbidden)
    await hub.leave(seat)


async def test_found_after_joining(hub: Hub, private: RoomAccess, ada: User) -> None:
    """What happened between the door and the subscription is found: who joined is asked about once more."""
    with count_queries() as statements:
        _, first = await seated(hub, private, await by_session(ada))
        await settled(statements)
    hub._joined_seconds = 0.01
    await take(ada)
    recorder, second = await seated(hub, private, await by_session(ada))
    await gone(recorder, Forbidden)
    assert not first.over
    await hub.leave(first)
    await hub.leave(second)


async def test_event_of_a_removal(hub: Hub, private: RoomAccess, ada: User) -> None:
    """The event has the user asked about, and nobody else."""
    with count_queries() as statements:
        recorder, seat = await seated(hub, private, await by_session(ada))
        await settled(statements)
    await take(ada)
    assert await bus.publish(names.group(private.name), bus.Event(events.MEMBER_REMOVED, {"user_id": ada.pk}))
    await gone(recorder, Forbidden)
    await hub.leave(seat)


@pytest.mark.parametrize("data", [{}, {"user_id": "ada"}, {"user_id": 10**9}])
async def test_event_of_somebody_else(hub: Hub, private: RoomAccess, ada: User, data: dict[str, object]) -> None:
    """An event that is malformed or about others has nobody asked about: not even one who would have to leave."""
    with count_queries() as statements:
        recorder, seat = await seated(hub, private, await by_session(ada))
        await settled(statements)
    await take(ada)
    with count_queries() as statements:
        assert await bus.publish(names.group(private.name), bus.Event(events.MEMBER_REMOVED, data))
        await events.notify(private.name, "after")
        await eventually(lambda: bool(recorder.events), what="the notice")
        assert recorder.removal is None
        # The event that is about her has her asked about, which is the first question since.
        assert await bus.publish(names.group(private.name), bus.Event(events.MEMBER_REMOVED, {"user_id": ada.pk}))
        await gone(recorder, Forbidden)
    assert sum("unnest" in statement for statement in statements) == 1
    await hub.leave(seat)


async def asked_again(hub: Hub, room: RoomAccess, user: User) -> None:
    """Remove `user` by way of the hub, and wait until it has asked."""
    with count_queries() as statements:
        hub.member_removed(room.name, memberships.Removed(room.id, user.pk))
        await eventually(lambda: any("unnest" in each for each in statements), what="asked")


async def test_taken_and_given_back(hub: Hub, private: RoomAccess, ada: User) -> None:
    """Who is a member again by the time it is asked stays: an event is only a hint."""
    recorder, seat = await seated(hub, private, await by_session(ada))
    await asked_again(hub, private, ada)
    await asked_again(hub, private, ada)
    assert recorder.removal is None
    await hub.leave(seat)


async def test_public_room(hub: Hub, room: RoomAccess, ada: User) -> None:
    """A membership in a public room may come and go: everybody may read there."""
    recorder, seat = await seated(hub, room, await by_session(ada))
    await in_scope(memberships.add(room.name, "ada"))
    await in_scope(memberships.remove(room.name, "ada"))
    await asked_again(hub, room, ada)
    await asked_again(hub, room, ada)
    assert recorder.removal is None
    await hub.leave(seat)


async def test_signed_out(hub: Hub, room: RoomAccess, ada: User) -> None:
    """The event of a sign-out ends what was opened with that session, and not with another."""
    held, other = await by_session(ada), await by_session(ada)
    (recorder, first), (staying, second) = await seated(hub, room, held), await seated(hub, room, other)
    await accounts_events.announce_sign_out(ada.pk, session_key=held.session_key)
    await gone(recorder, Unauthorized)
    assert staying.removal is None
    await hub.leave(first)
    await hub.leave(second)


async def test_nothing_after_the_end(hub: Hub, private: RoomAccess, ada: User) -> None:
    """A member who was told to leave is given nothing more, neither messages nor history nor events."""
    recorder, seat = await seated(hub, private, await by_session(ada))
    reading, replay = Recorder(), await hub.join(private, Recorder(), await by_session(ada))
    await store(private, 2)
    history = replay.catch_up(0)
    for each in (seat, replay):
        each.end(Forbidden())
    for message in await store(private, 2):
        hub.posted(private.id, message)
    seat.event(bus.Event(events.NOTICE, {}), b"")
    async for frame in history:
        reading.message(frame)
    replay.release()
    assert (recorder.seqs, reading.seqs, recorder.events) == ([], [], [])
    await hub.leave(seat)
    await hub.leave(replay)
