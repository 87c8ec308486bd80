"""The JavaScript client against a scripted server: what the real one does too rarely to wait for."""

from typing import Any

import pytest
from libs.client.tests.fake import FakeServer, Visit, running
from tests.e2e import engine
from tests.e2e.stack import Stack

AGAIN = [1000, 1011, 1012, 4008, 4010, 4011, 4012, 4013, 4016, 4029, 4999]


def options(stack: Stack, server: FakeServer, **others: Any) -> dict[str, Any]:
    """For `engine.running`: a guest of the scripted server, by the client that the stack serves."""
    return {"api": stack.api, "url": server.url, "name": "lobby"} | others


@pytest.mark.parametrize("code", AGAIN)
async def test_coming_back(stack: Stack, code: int) -> None:
    """After any code that does not forbid it the client comes back to where it was, and repeats what has no answer."""

    async def close(visit: Visit) -> None:
        await visit.join()
        await visit.next()
        await visit.close(code)

    async with running() as server, engine.running(**options(stack, server)) as client:
        await server.store("one")
        server.scripts = [close]
        await client.told("ready")
        client.order(send=["two"])
        await client.told("acked", text="two", seq=2)
        await client.told("message", text="two", seq=2)
        assert server.visits[1].query == {"since": "1", "epoch": server.epoch}
        assert server.visits[0].frames == server.visits[1].frames
        await client.leave()
    assert [item["text"] for item in client.of("message")] == ["one", "two"]


@pytest.mark.parametrize(("code", "name"), [(4001, "not_signed_in"), (4003, "forbidden"), (4004, "no_such_room")])
async def test_not_coming_back(stack: Stack, code: int, name: str) -> None:
    """A code that forbids it ends the room, and what waits fails with it."""

    async def close(visit: Visit) -> None:
        await visit.join()
        await visit.next()
        await visit.close(code)

    async with running() as server:
        server.scripts = [close]
        async with engine.running(**options(stack, server)) as client:
            client.order(send=["never"])
            await client.told("failed", kind="RoomError", code=name)
            await client.told("closed", code=name)
            assert await client.until_ended() == "status 0"
        assert len(server.visits) == 1


async def test_lies_and_losses(stack: Stack) -> None:
    """A duplicate is dropped, a hole is fetched, a message whose acknowledgement was lost is not repeated."""

    async def lie(visit: Visit) -> None:
        await visit.join()
        await visit.send(**server.log[0])
        await visit.socket.send("not JSON")
        await visit.send(type="later", what="ever")
        server.live.clear()
        await server.store("missed")
        await visit.send(**await server.store("three"))
        await visit.socket.wait_closed()

    async def forget(visit: Visit) -> None:
        await visit.join()
        frame = await visit.next()
        server.live.clear()
        await server.store(frame["message"], frame["id"])
        visit.abort()

    async with running() as server:
        await server.store("one")
        server.scripts = [lie, forget]
        async with engine.running(**options(stack, server)) as client:
            await client.told("message", text="three")
            client.order(send=["four"])
            await client.told("acked", text="four", seq=4)
            await client.told("message", text="four")
            await client.leave()
        assert server.visits[1].query["since"] == "1"
        assert server.visits[2].frames == []
    assert [item["text"] for item in client.of("message")] == ["one", "missed", "three", "four"]


@pytest.mark.parametrize("code", ["too_fast", "unavailable", "internal"])
async def test_an_error_that_passes(stack: Stack, code: str) -> None:
    """A message that was refused for now is sent again before the next one."""

    async def refuse(visit: Visit) -> None:
        await visit.join()
        await visit.next()
        await visit.send(type="error", error="not now", code=code)
        await visit.serve()

    async with running() as server:
        server.scripts = [refuse]
        async with engine.running(**options(stack, server)) as client:
            client.order(send=["one", "two"])
            await client.told("acked", text="two", seq=2)
            await client.leave()
        assert [frame["message"] for frame in server.visits[0].frames] == ["one", "one", "two"]


async def test_a_room_that_starts_over(stack: Stack) -> None:
    """Where its place is gone the client says so before the new messages, whatever their numbers."""
    async with running() as server:
        await server.store("old")
        await server.store("older")
        async with engine.running(**options(stack, server)) as client:
            await client.told("message", text="older")
            server.start_over("new")
            await server.visits[0].close(4010)
            await client.told("message", text="new", seq=1)
            closed = await client.leave()
        assert closed["place"] == {"epoch": server.epoch, "seq": 1}
    assert [item.get("text", item["what"]) for item in client.items if item["what"] in {"message", "resync"}] == [
        "old",
        "older",
        "resync",
        "new",
    ]


async def test_states(stack: Stack) -> None:
    """It tells how its connection does: a gap with both numbers, and from where to where it has caught up."""

    async def skip(visit: Visit) -> None:
        await visit.join()
        server.live.clear()
        await server.store("two")
        await visit.send(**await server.store("three"))
        await visit.socket.wait_closed()

    async with running() as server:
        await server.store("one")
        server.scripts = [skip]
        async with engine.running(**options(stack, server, states=True)) as client:
            await client.told("state", state="connected", since=1, seq=3)
            await client.leave()
    told = [{key: value for key, value in item.items() if key not in {"what", "ms"}} for item in client.of("state")]
    assert told == [
        {"state": "connecting"},
        {"state": "connected", "since": None, "seq": 1},
        {"state": "gap", "after": 1, "seq": 3},
        {"state": "waiting"},
        {"state": "connecting"},
        {"state": "connected", "since": 1, "seq": 3},
        {"state": "over", "code": "closed"},
    ]


async def test_a_network_of_its_own(stack: Stack) -> None:
    """Where the caller's `connect` refuses, it goes on trying, and `reconnect` makes it try now."""
    async with running() as server:
        async with engine.running(**options(stack, server, states=True)) as client:
            await client.told("ready")
            client.order(cut=True)
            await client.until("three refused tries", lambda _: len(client.of("state")) >= 2 + 6 or None)
            await server.store("missed")
            client.order(release=True)
            await client.told("message", text="missed")
            await client.told("state", state="connected", since=0, seq=1)
            await client.leave()
        assert len(server.visits) == 2
