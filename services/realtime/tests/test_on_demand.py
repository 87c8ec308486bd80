"""Rooms that are made when a socket opens them (`ROOMS_ON_DEMAND`)."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from realtime.close_codes import CloseCode
from rooms.models import Room
from testing.database import in_scope

from .conftest import Connect, Socket, cookie

type MakeSocket = Callable[..., Socket]


@pytest.fixture(autouse=True)
def _on_demand(settings: Any) -> None:
    settings.ROOMS_ON_DEMAND = True


def new_name() -> str:
    """A name that no room has; PUBLISH reaches every database of a Redis, so it is no fixed one."""
    return f"new_{uuid.uuid4().hex}"


async def stored() -> list[Room]:
    """All rooms."""
    return [room async for room in Room.async_objects.all()]


async def close_code(socket: Socket) -> int:
    """How a socket ends that is not let in."""
    return await (await socket.open()).closed()


async def from_address(make_socket: MakeSocket, address: str, room: str, **headers: str) -> Socket:
    """A socket, not open yet, whose client has this address."""
    socket = make_socket(room, **headers)
    socket.communicator.scope["client"] = [address, 50000]
    return socket


async def test_a_guest_makes_a_room(connect: Connect) -> None:
    """It is empty and public: the next guest meets them there."""
    name = new_name()
    one = await connect(name)
    assert (await one.next("synced"))["seq"] == 0
    assert (await one.post("anyone here?"))["seq"] == 1
    other = await connect(name)
    assert (await other.next("message"))["message"] == "anyone here?"
    (room,) = await in_scope(stored())
    assert (room.name, room.title, room.public, room.on_demand) == (name, name, True, True)


async def test_a_user_makes_a_room(connect: Connect, ada: User) -> None:
    """Also where guests are not admitted."""
    socket = await connect(new_name(), **await cookie(ada))
    assert (await socket.post("hello"))["seq"] == 1
    assert {frame["username"] for frame in await socket.until("message") if "username" in frame} == {"ada"}


async def test_a_guest_where_guests_are_not_admitted(make_socket: MakeSocket, settings: Any) -> None:
    """4004, as for any name without a room, and none is made."""
    settings.ALLOW_GUESTS = False
    assert await close_code(make_socket(new_name())) == CloseCode.NO_SUCH_ROOM
    assert await in_scope(stored()) == []


async def test_off(make_socket: MakeSocket, ada: User, settings: Any) -> None:
    """Without the setting neither a guest nor a user makes a room."""
    settings.ROOMS_ON_DEMAND = False
    assert await close_code(make_socket(new_name())) == CloseCode.NO_SUCH_ROOM
    assert await close_code(make_socket(new_name(), **await cookie(ada))) == CloseCode.NO_SUCH_ROOM
    assert await in_scope(stored()) == []


@pytest.mark.parametrize("name", ["a.b", "x" * 65, "r%C3%B6om", "lobby%0A"])
async def test_a_name_that_is_not_valid(make_socket: MakeSocket, name: str) -> None:
    """4004, and no room."""
    assert await close_code(make_socket(name)) == CloseCode.NO_SUCH_ROOM
    assert await in_scope(stored()) == []


async def test_the_rate_of_an_address(make_socket: MakeSocket, settings: Any) -> None:
    """Beyond its rate an address gets 4008; another one goes on."""
    settings.ROOMS_ON_DEMAND_ADDRESS_RATE = "2/hour"
    for _ in range(2):
        await (await (await from_address(make_socket, "192.0.2.1", new_name())).open()).next("synced")
    assert await close_code(await from_address(make_socket, "192.0.2.1", new_name())) == CloseCode.TOO_FAST
    await (await (await from_address(make_socket, "192.0.2.2", new_name())).open()).next("synced")


async def test_addresses_of_one_network_count_together(make_socket: MakeSocket, settings: Any) -> None:
    """An IPv6 customer has a /64."""
    settings.ROOMS_ON_DEMAND_ADDRESS_RATE = "1/hour"
    await (await (await from_address(make_socket, "2001:db8::1", new_name())).open()).next("synced")
    assert await close_code(await from_address(make_socket, "2001:db8::2", new_name())) == CloseCode.TOO_FAST
    await (await (await from_address(make_socket, "2001:db8:0:1::1", new_name())).open()).next("synced")


async def test_the_rate_of_a_user(make_socket: MakeSocket, ada: User, settings: Any) -> None:
    """A user's rate counts over all addresses; a room that exists opens as before."""
    settings.ROOMS_ON_DEMAND_RATE = "1/hour"
    name, headers = new_name(), await cookie(ada)
    await (await (await from_address(make_socket, "192.0.2.1", name, **headers)).open()).next("synced")
    refused = await from_address(make_socket, "192.0.2.2", new_name(), **headers)
    assert await close_code(refused) == CloseCode.TOO_FAST
    await (await (await from_address(make_socket, "192.0.2.3", name, **headers)).open()).next("synced")


async def test_the_cap(connect: Connect, make_socket: MakeSocket, settings: Any) -> None:
    """No more rooms than that are made; those that are there open as before."""
    settings.ROOMS_ON_DEMAND_MAX = 1
    name = new_name()
    await connect(name)
    assert await close_code(make_socket(new_name())) == CloseCode.TOO_FAST
    await (await connect(name)).next("synced")
