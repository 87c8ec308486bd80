"""Many at once: nothing acknowledged is lost, reordered or shown twice."""

import asyncio
from contextlib import AsyncExitStack

from tests.e2e.conftest import OpenSocket
from tests.e2e.people import Person, unique
from tests.e2e.sockets import ChatSocket, Entry

ROOM = "python"
SENDERS, EACH = 30, 4


async def _speak(socket: ChatSocket) -> dict[str, int]:
    """Says `EACH` things at once; returns the acknowledged number of each id."""
    ids = [await socket.say(unique("crowd")) for _ in range(EACH)]
    return {client_id: (await socket.expect(type="ack", id=client_id, within=40))["seq"] for client_id in ids}


async def test_every_acknowledged_message_is_seen_once_by_everybody(
    enter_first: OpenSocket, enter_second: OpenSocket, alice: Person, bob: Person
) -> None:
    """Thirty senders on two processes: each log is unbroken, ascending, and has every acknowledged id at its number."""
    async with AsyncExitStack() as open_sockets:
        ways = (enter_first, enter_second)
        entries = [Entry() for _ in range(SENDERS)]
        senders = await asyncio.gather(
            *(open_sockets.enter_async_context(ways[i % 2](ROOM, entry)) for i, entry in enumerate(entries))
        )
        readers = [
            await open_sockets.enter_async_context(way(ROOM, await person.ticket(ROOM)))
            for way, person in zip(ways, (alice, bob), strict=True)
        ]
        acked: dict[str, int] = {}
        for numbers in await asyncio.gather(*(_speak(sender) for sender in senders)):
            acked |= numbers
        last = max(acked.values())
        everybody = [*senders, *readers]
        await asyncio.gather(*(socket.expect(type="message", seq=last, within=40) for socket in everybody))
        assert len(acked) == len(set(acked.values())) == SENDERS * EACH
        for socket in everybody:
            assert socket.seqs == list(range(socket.seqs[0], socket.seqs[0] + len(socket.seqs))), socket.name
            assert {f["id"]: f["seq"] for f in socket.messages if f["id"] in acked} == acked, socket.name
    after = {"after": min(acked.values()) - 1, "limit": 200}
    history = (await alice.client.get(f"/api/rooms/{ROOM}/messages/", params=after)).json()["messages"]
    stored = {message["id"]: message["seq"] for message in history if message["id"] in acked}
    # Others may have talked in between, so the page may end before the last of ours.
    assert stored == {client_id: seq for client_id, seq in acked.items() if seq <= history[-1]["seq"]}


async def test_messages_of_one_sender_keep_their_order(enter_first: OpenSocket, enter_second: OpenSocket) -> None:
    """What a sender says without waiting for anything is stored and seen in the order it was said."""
    async with enter_first(ROOM, Entry()) as sender, enter_second(ROOM, Entry()) as reader:
        said = [await sender.say(f"number {number}") for number in range(15)]
        await reader.expect(type="message", id=said[-1])
        assert [frame["id"] for frame in reader.messages if frame["id"] in said] == said


async def test_joining_while_others_talk_misses_nothing(enter_first: OpenSocket, enter_second: OpenSocket) -> None:
    """Sockets that open in the middle of a conversation have every number from their first one on."""
    async with enter_first(ROOM, Entry()) as speaker, AsyncExitStack() as late:
        latecomers = []
        for _ in range(8):
            await speaker.say(unique("before"))
            opening = asyncio.create_task(late.enter_async_context(enter_second(ROOM, Entry())))
            await speaker.say(unique("meanwhile"))
            latecomers.append(await opening)
        last = await speaker.say(unique("last"))
        for socket in latecomers:
            await socket.expect(type="message", id=last)
            assert socket.seqs == list(range(socket.seqs[0], socket.seqs[0] + len(socket.seqs)))
