"""The JavaScript client, as the api serves it, in a real engine and against the running stack."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from tests.e2e import engine
from tests.e2e.conftest import OpenSocket
from tests.e2e.cutting import in_front_of
from tests.e2e.people import Person, unique
from tests.e2e.sockets import Entry
from tests.e2e.stack import Stack
from tests.e2e.test_client import all_of, by, listening, ours

ROOM = "python"
PATH = "/static/millrace/client.js"


def options(stack: Stack, person: Person | None = None, **others: Any) -> dict[str, Any]:
    """For `engine.running`: in the room, with the tickets of `person`, else as a guest."""
    return {"api": stack.api, "url": stack.realtime, "name": ROOM, "token": person and person.token} | others


async def test_it_is_a_module(anyone: httpx.AsyncClient) -> None:
    """It is served as JavaScript, imports nothing and has nothing that a strict policy forbids."""
    answer = await anyone.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].split(";")[0] in {"text/javascript", "application/javascript"}
    code = re.sub(r"/\*\*.*?\*/", "", answer.text, flags=re.DOTALL)
    assert not re.search(r"^\s*import\b|\bimport\(|\beval\(|\bFunction\(|innerHTML|document\.", code, re.MULTILINE)


async def test_chat_by_ticket(stack: Stack, enter: OpenSocket, alice: Person, bob: Person) -> None:
    """What it sends is acknowledged and heard by others, and it hears them and itself, in order."""
    mark = unique("js")
    async with enter(ROOM, await bob.ticket(ROOM)) as his, engine.running(**options(stack, alice)) as hers:
        await hers.told("ready")
        hers.order(send=[f"{mark} one", f"{mark} two"])
        ack = await hers.told("acked", text=f"{mark} two")
        await his.expect(type="message", message=f"{mark} two", seq=ack["seq"], username=alice.username)
        await his.say(f"{mark} three")
        last = await hers.told("message", text=f"{mark} three", username=bob.username)
        assert [item["text"] for item in hers.of("message", mark)] == [f"{mark} {n}" for n in ("one", "two", "three")]
        assert set(last) == {"what", "room", "seq", "id", "text", "username", "ts"}
        hers.order(typing=1)
        await his.expect(type="typing", username=alice.username)
        closed = await hers.leave()
        assert closed["code"] is None
        assert closed["place"]["seq"] >= last["seq"]


async def test_chat_as_a_guest(stack: Stack, enter: OpenSocket) -> None:
    """Without a ticket it is a guest; events come too."""
    mark = unique("js")
    async with engine.running(**options(stack)) as guest:
        await guest.told("event", type="presence")
        guest.order(send=[mark])
        own = await guest.told("message", text=mark)
        assert own["username"].startswith("guest-")
        async with enter(ROOM, Entry()) as other:
            await other.send({"type": "typing"})
            await guest.told("event", type="typing")
        await guest.leave()


@pytest.mark.timeout(300)
async def test_cut_connections(stack: Stack, alice: Person, bob: Person) -> None:
    """While its connection is cut again and again, all that it says and hears arrives once and in order."""
    mark, count, cuts = unique("js"), 60, 4
    hers_said, his_said = ([f"{mark} {who} {n}" for n in range(count)] for who in ("she", "he"))
    async with (
        in_front_of(stack.realtime) as proxy,
        listening(stack.realtime, ticket=by(stack, bob)) as (his, he_hears),
        engine.running(**options(stack, alice, url=proxy.url)) as hers,
    ):
        await hers.told("ready")
        hers.order(send=hers_said)
        sending = asyncio.gather(*(his.send(text) for text in his_said))
        for number in range(cuts):
            # By progress and not by the clock, so that it always happens in the middle.
            await hers.told("acked", text=hers_said[number * 10 + 5], within=30)
            proxy.cut()
        await hers.told("acked", text=hers_said[-1], within=120)
        numbers = await sending
        await hers.until("all messages", lambda _: len(hers.of("message", mark)) >= 2 * count or None, within=30)
        await he_hears.until("all messages", all_of(mark, 2 * count))
        await hers.leave()
        assert proxy.opened == 1 + cuts
    stored = {item["text"]: item["seq"] for item in hers.of("acked")} | dict(zip(his_said, numbers, strict=True))
    she_heard = [(item["seq"], item["text"]) for item in hers.of("message", mark)]
    assert she_heard == [(message.seq, message.text) for message in ours(he_hears, mark)]
    assert she_heard == sorted((seq, text) for text, seq in stored.items())
    assert [text for _, text in she_heard if " she " in text] == hers_said
    assert [text for _, text in she_heard if " he " in text] == his_said
    seqs = [item["seq"] for item in hers.of("message")]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))


async def test_a_stored_place(stack: Stack, enter: OpenSocket, alice: Person) -> None:
    """A place from an earlier run brings exactly what was said since; one of another life is said to be gone."""
    async with engine.running(**options(stack, alice)) as before:
        await before.told("ready")
        place = (await before.leave())["place"]
    async with enter(ROOM, await alice.ticket(ROOM)) as socket:
        missed = unique("missed")
        await socket.say(missed)
        await socket.expect(type="message", message=missed)
    async with engine.running(**options(stack, alice, place=place)) as after:
        await after.told("message", text=missed)
        assert after.of("message")[0]["seq"] == place["seq"] + 1
        assert not after.of("resync")
    gone = {"epoch": "00000000-0000-4000-8000-000000000000", "seq": place["seq"]}
    async with engine.running(**options(stack, alice, place=gone)) as lost:
        await lost.told("message", text=missed)
        assert lost.items[0] == {"what": "resync", "epoch": place["epoch"]}


@pytest.mark.parametrize(
    ("name", "as_guest", "code"),
    [
        ("staff", False, "forbidden"),
        ("staff", True, "not_signed_in"),
        ("no.such.room", False, "no_such_room"),
        ("no.such.room", True, "no_such_room"),
    ],
)
async def test_where_nobody_gets_in(stack: Stack, alice: Person, name: str, as_guest: bool, code: str) -> None:
    """A room that one may not enter, or that is not, ends it with a code, and nothing keeps the program alive."""
    async with engine.running(**options(stack, None if as_guest else alice, name=name)) as client:
        await client.told("refused", code=code)
        await client.told("closed", code=code)
        assert await client.until_ended() == "status 0"


async def test_what_is_refused(stack: Stack, alice: Person) -> None:
    """A message that the server does not store, or could not read, fails with its code; the next one is sent."""
    async with engine.running(**options(stack, alice)) as client:
        await client.told("ready")
        mark = unique("good")
        client.order(send=[" ", "x" * 5000, "x" * 17000, "\ud800", mark])
        await client.told("acked", text=mark)
        failed = [(item["kind"], item["code"], len(item["text"])) for item in client.of("failed")]
        assert sorted(failed, key=lambda item: item[2])[:2] == [("SendError", "bad_request", 1)] * 2
        assert ("SendError", "bad_request", 5000) in failed
        assert ("SendError", "too_large", 17000) in failed
