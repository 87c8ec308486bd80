"""How much a user may post, and a room be posted to: over all sockets, requests and processes."""

import uuid
from functools import partial
from typing import Any

import pytest

from accounts.models import User
from realtime import chat
from realtime.close_codes import CloseCode
from rooms import limits, messages
from rooms.access import RoomAccess
from testing.database import in_scope
from testing.people import make_user, ticket
from testing.rooms import MakeRoom
from testing.waiting import eventually

from .conftest import Clock, Connect, Socket, cookie
from .processes import Client, all_running, client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def refusal(socket: Socket) -> dict[str, Any]:
    """Post something that is refused; the error, which names the post."""
    client_id = str(uuid.uuid4())
    await socket.send(message="too much", id=client_id)
    error = await socket.next("error")
    assert error == {"type": "error", "error": "Too fast", "code": "too_fast", "id": client_id}
    return error


async def test_all_sockets_of_a_user(connect: Connect, make_room: MakeRoom, ada: User, settings: Any) -> None:
    """What a user posts over several sockets and to several rooms counts together; nobody else is held up."""
    settings.USER_MESSAGE_RATE = "3/hour"
    one, two, headers = await make_room(), await make_room(), await cookie(ada)
    here, there = await connect(one.name, **headers), await connect(two.name, **headers)
    assert [(await here.post("a"))["seq"], (await there.post("b"))["seq"], (await here.post("c"))["seq"]] == [1, 1, 2]
    await refusal(here)
    await refusal(there)
    grace = await connect(one.name, **await cookie(await make_user("grace")))
    assert (await grace.post("d"))["seq"] == 3
    assert len(await in_scope(messages.catch_up(one, 0))) == 3


async def test_a_room(connect: Connect, make_room: MakeRoom, settings: Any) -> None:
    """What everybody posts to a room counts together; another room is not held up, and nothing else is counted."""
    settings.ROOM_MESSAGE_RATE = "3/hour"
    room, other = await make_room(), await make_room()
    sockets = [await connect(room.name) for _ in range(4)]
    for socket in sockets[:3]:
        await socket.post("one each")
    await refusal(sockets[3])
    await sockets[3].send(type="ping")
    await sockets[3].next("pong")
    assert (await (await connect(other.name)).post("elsewhere"))["seq"] == 1


async def test_who_goes_on_is_closed(
    connect: Connect, room: RoomAccess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes on posting in spite of the errors is closed with 4008."""
    settings.ROOM_MESSAGE_RATE = "1/hour"
    monkeypatch.setattr(chat, "PATIENCE", 3)
    monkeypatch.setattr(chat, "PATIENCE_PER_SECOND", 0)
    socket = await connect(room.name)
    await socket.post("the only one")
    for _ in range(3):
        await refusal(socket)
    await socket.send(message="once more")
    assert await socket.closed() == CloseCode.TOO_FAST


async def test_too_fast_for_the_socket(connect: Connect, room: RoomAccess, frames_clock: Clock) -> None:
    """A frame beyond what one socket may send is refused with its id, where it has one."""
    socket, client_id = await connect(room.name), str(uuid.uuid4())
    for _ in range(chat.BURST):
        await socket.send(type="ping")
    for frame in ({"type": "nonsense", "id": client_id}, {"message": "more", "id": client_id}):
        await socket.send(**frame)
    refused = [await socket.next("error") for _ in range(2)]
    assert {(error["id"], error["code"]) for error in refused} == {(client_id, "too_fast")}


async def posts(connected: Client) -> bool:
    """Post something; True if it was stored."""
    client_id = str(uuid.uuid4())
    await connected.connection.send(f'{{"message": "again", "id": "{client_id}"}}')
    while (frame := await connected.frame())["type"] not in {"ack", "error"} or frame.get("id") != client_id:
        pass
    assert frame["type"] == "ack" or frame["code"] == "too_fast"
    return bool(frame["type"] == "ack")


async def test_two_processes(make_room: MakeRoom, ada: User, clean_redis: Any) -> None:
    """What a user posts to one process counts in the other, as soon as both have told Redis."""
    one, two, key = await make_room(), await make_room(), f"sender:user:{ada.pk}"
    env = {"USER_MESSAGE_RATE": "10/hour"}
    async with all_running(env, env) as [first, second]:
        async with (
            client(first.port, one.name, subprotocols=["millrace.v1", f"ticket.{await ticket(ada, one)}"]) as here,
            client(second.port, two.name, subprotocols=["millrace.v1", f"ticket.{await ticket(ada, two)}"]) as there,
        ):
            assert [await posts(here) for _ in range(11)] == [True] * 10 + [False]
            await eventually(lambda: has_backlog(clean_redis, key, 3500), what="the first process told what it took")
            assert await posts(there)
            await eventually(lambda: has_backlog(clean_redis, key, 3900), what="the second one did too")
            stored = [await posts(there) for _ in range(5)]
            assert stored[-1] is False, "it is over the limit because of what the other one took"


async def has_backlog(redis: Any, key: str, seconds: float) -> bool:
    """True if `key` has at least so many seconds to work off."""
    return bool(await redis.pttl(f"messages:{key}") > seconds * 1000)


async def test_counts_are_exchanged(connect: Connect, room: RoomAccess, clean_redis: Any, settings: Any) -> None:
    """The service tells Redis what was posted."""
    settings.ROOM_MESSAGE_RATE = "3/hour"
    await (await connect(room.name)).post("counted")
    key = f"{limits.rates._name}:room:{room.name}"
    await eventually(partial(exists, clean_redis, key), what="the room's count is in Redis")


async def exists(redis: Any, key: str) -> bool:
    """True if there is such a key."""
    return bool(await redis.exists(key))
