"""Coming back: `?since=<seq>&epoch=<epoch>` goes on exactly where a socket was left."""

import uuid

import pytest
from tests.e2e.conftest import OpenSocket
from tests.e2e.people import Person, unique
from tests.e2e.sockets import joined
from tests.e2e.test_rooms import post

ROOM = "python"


async def test_nothing_is_missing_and_nothing_comes_twice(
    enter_first: OpenSocket, enter_second: OpenSocket, alice: Person, bob: Person
) -> None:
    """What was said while a client was away comes first, then what is live: one unbroken log, on another process."""
    async with enter_first(ROOM, await alice.ticket(ROOM)) as before:
        synced = await joined(before)
        client_id = await before.say(unique("seen"))
        await before.expect(type="message", id=client_id)
        log = list(before.messages)
    missed = [await post(bob, unique("missed"), ROOM) for _ in range(5)]
    query = {"since": log[-1]["seq"], "epoch": synced["epoch"]}
    async with enter_second(ROOM, await alice.ticket(ROOM), query) as after:
        live = await post(bob, unique("live"), ROOM)
        await after.expect(type="message", id=live["id"])
        assert not after.of("resync_required")
        log += after.messages
    seqs = [frame["seq"] for frame in log]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert {message["id"] for message in [*missed, live]} <= {frame["id"] for frame in log}


async def test_nothing_missed_brings_nothing(enter: OpenSocket, alice: Person) -> None:
    """Resuming at the head brings `synced` and no message that was seen before."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        place = await joined(socket)
        head = max([place["seq"], *socket.seqs])
    async with enter(ROOM, await alice.ticket(ROOM), {"since": head, "epoch": place["epoch"]}) as socket:
        assert (await joined(socket))["seq"] >= head
        assert all(seq > head for seq in socket.seqs)


async def test_a_long_absence_is_made_up_for(enter: OpenSocket, alice: Person) -> None:
    """From number 0 the whole room comes, however many pages that takes."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        epoch = (await joined(socket))["epoch"]
    async with enter(ROOM, await alice.ticket(ROOM), {"since": 0, "epoch": epoch}) as socket:
        synced = await joined(socket)
        upto = [seq for seq in socket.seqs if seq <= synced["seq"]]
    assert upto == list(range(1, synced["seq"] + 1))


@pytest.mark.parametrize("place", ["epoch", "future", "epoch-missing", "nonsense"])
async def test_a_place_that_is_gone_needs_a_resync(enter: OpenSocket, alice: Person, place: str) -> None:
    """For another epoch, a number from the future or nonsense: `resync_required`, then the newest history."""
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        here = await joined(socket)
    query = {
        "epoch": {"since": here["seq"], "epoch": uuid.uuid4()},
        "future": {"since": 10**15, "epoch": here["epoch"]},
        "epoch-missing": {"since": here["seq"]},
        "nonsense": {"since": "yesterday", "epoch": here["epoch"]},
    }[place]
    async with enter(ROOM, await alice.ticket(ROOM), query) as socket:
        required = await socket.expect(type="resync_required")
        assert required["epoch"] == here["epoch"]
        assert socket.items[0] == required
        assert here["seq"] in socket.seqs
        await socket.answer()
