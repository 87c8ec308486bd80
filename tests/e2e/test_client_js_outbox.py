"""The outbox of the JavaScript client against a scripted server: every message has one outcome, in order, in time."""

from typing import Any
from uuid import uuid4

import pytest
from libs.client.tests.fake import FakeServer, Script, Visit, running
from tests.e2e import engine
from tests.e2e.stack import Stack

from millrace_client.frames import encode_message
from millrace_client.pacing import Pace

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def options(stack: Stack, server: FakeServer, **others: Any) -> dict[str, Any]:
    """For `engine.running`: a guest of the scripted server, that waits for no chance."""
    return {"api": stack.api, "url": server.url, "name": "lobby", "luck": 0} | others


async def mute(visit: Visit) -> None:
    """Take whatever comes, without an answer."""
    await visit.join()
    while True:
        await visit.next()


def refusing(code: str, times: int, *, with_id: bool) -> Script:
    """A server that refuses the first messages."""

    async def script(visit: Visit) -> None:
        await visit.join()
        for _ in range(times):
            frame = await visit.next()
            await visit.send(type="error", error="no", code=code, **({"id": frame["id"]} if with_id else {}))
        await visit.serve()

    return script


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize("code", ["too_fast", "unavailable"])
async def test_never_given_up(stack: Stack, code: str, with_id: bool) -> None:
    """A server that is busy refuses a message as often as it likes; the next one does not overtake it."""
    async with running() as server:
        server.scripts = [refusing(code, 8, with_id=with_id)]
        async with engine.running(**options(stack, server)) as client:
            client.order(send=["one", "two"])
            await client.told("acked", text="two", seq=2)
            await client.leave()
        assert [frame["message"] for frame in server.visits[0].frames] == ["one"] * 9 + ["two"]


@pytest.mark.parametrize("with_id", [True, False])
async def test_a_defect(stack: Stack, with_id: bool) -> None:
    """A message that the server fails on is failed at the fifth try, and the next one starts anew."""
    async with running() as server:
        server.scripts = [refusing("internal", 9, with_id=with_id)]
        async with engine.running(**options(stack, server)) as client:
            client.order(send=["poison", "good"])
            await client.told("failed", text="poison", kind="SendError", code="internal")
            await client.told("acked", text="good", seq=1)
            await client.leave()
        assert [frame["message"] for frame in server.visits[0].frames] == ["poison"] * 5 + ["good"] * 5


@pytest.mark.parametrize("code", ["bad_request", "too_large", "conflict", "not_found"])
async def test_what_is_wrong_with_the_message(stack: Stack, code: str) -> None:
    """It fails at once and the next one goes on."""
    async with running() as server:
        server.scripts = [refusing(code, 1, with_id=True)]
        async with engine.running(**options(stack, server)) as client:
            client.order(send=["bad", "good"])
            await client.told("failed", text="bad", kind="SendError", code=code)
            await client.told("acked", text="good", seq=1)
            await client.leave()


async def test_an_error_about_nothing(stack: Stack) -> None:
    """An error with another id, or without one while nothing is on its way, changes nothing."""

    async def confused(visit: Visit) -> None:
        await visit.join()
        await visit.send(type="error", error="no", code="conflict")
        await visit.send(type="notice", notice="go on")
        frame = await visit.next()
        await visit.send(type="error", error="no", code="conflict", id=str(uuid4()))
        await visit.send(type="ack", id=str(uuid4()), seq=99)
        stored = await server.store(frame["message"], frame["id"])
        await visit.send(type="ack", id=stored["id"], seq=stored["seq"])
        await visit.serve()

    async with running() as server:
        server.scripts = [confused]
        async with engine.running(**options(stack, server)) as client:
            await client.told("event", notice="go on")
            client.order(send=["one", "two"])
            await client.told("acked", text="one", seq=1)
            await client.told("acked", text="two", seq=2)
            await client.leave()
        assert len(server.visits[0].frames) == 2


async def test_somebody_elses_message_with_our_id(stack: Stack) -> None:
    """A message that comes by is ours if it has our id and our words; its acknowledgement may come after it."""

    async def mistake(visit: Visit) -> None:
        await visit.join()
        frame = await visit.next()
        server.log.append(server.message(1, "other words", frame["id"]))
        await visit.send(**server.log[0])
        await visit.send(type="error", error="not now", code="unavailable")
        again = await visit.next()
        server.log.append(server.message(2, again["message"], again["id"]))
        await visit.send(**server.log[1])
        await visit.send(type="ack", id=again["id"], seq=2)
        await visit.serve()

    async with running() as server:
        server.scripts = [mistake]
        async with engine.running(**options(stack, server)) as client:
            client.order(send=[["ours", ID.upper()]])
            await client.told("acked", text="ours", seq=2)
            client.order(send=["next"])
            await client.told("acked", text="next", seq=3)
            await client.leave()
        assert [(frame["message"], frame["id"]) for frame in server.visits[0].frames[:2]] == [("ours", ID)] * 2
    assert [item["text"] for item in client.of("message")] == ["other words", "ours", "next"]


async def test_what_is_not_taken(stack: Stack) -> None:
    """Too many, too long, the same id twice, after the end: each is refused at once, with its code."""
    room = 16384 - len(encode_message("", ID).replace(" ", ""))
    async with running() as server:
        server.scripts = [mute]
        async with engine.running(**options(stack, server, outbox=3)) as client:
            longest = "é" + "x" * (room - 2)
            client.order(send=[[longest, ID], ["again", ID], [longest + "x", OTHER], "two", "three", "four"])
            await client.told("failed", text="again", kind="SendError", code="conflict")
            await client.told("failed", text=longest + "x", kind="SendError", code="too_large")
            await client.told("failed", text="four", kind="SendError", code="outbox_full")
            client.order(close=True, send=["late"])
            await client.told("failed", text="late", kind="RoomError", code="closed")
            assert await client.until_ended() == "status 0"
        failed = {(item["text"], item["code"]) for item in client.of("failed") if item["kind"] == "RoomError"}
        assert failed == {(text, "closed") for text in (longest, "two", "three", "late")}


async def test_the_pace(stack: Stack) -> None:
    """Many messages at once are not sent faster than the server takes them; typing leaves half of the burst to them."""
    refused = 0

    async def strict(visit: Visit) -> None:
        nonlocal refused
        await visit.join()
        pace = Pace(20, 10)
        while True:
            frame = await visit.next()
            refused += bool(pace.take())
            if frame["type"] == "message":
                stored = await server.store(frame["message"], frame["id"])
                await visit.send(type="ack", id=stored["id"], seq=stored["seq"])

    async with running() as server:
        server.scripts = [strict]
        async with engine.running(**options(stack, server)) as client:
            client.order(typing=5)
            await client.told("ready")
            client.order(typing=30, send=[str(number) for number in range(25)])
            await client.told("acked", text="24", seq=25)
            await client.leave()
        kinds = [frame["type"] for frame in server.visits[0].frames]
    assert (refused, kinds.count("message")) == (0, 25)
    # What was left of the burst of 18 when the first message was on its way, down to half of it; none before `ready`.
    assert kinds.count("typing") == 8
