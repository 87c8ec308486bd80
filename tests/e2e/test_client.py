"""The Python client library against the running stack."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.cutting import in_front_of
from tests.e2e.people import Person, unique
from tests.e2e.recording import WITHIN, Recording
from tests.e2e.stack import Stack

from millrace_client import Backoff, Forbidden, Message, NoSuchRoom, NotSignedIn, Place, Presence, Room, tickets

ROOM = "python"
CLIENTS_PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


@contextlib.asynccontextmanager
async def listening(url: str, name: str = ROOM, **options: Any) -> AsyncIterator[tuple[Room, Recording[Message]]]:
    """A room and all messages that it delivered."""
    heard: Recording[Message] = Recording(f"client in {name}")
    async with Room(url, name, on_message=heard.add, backoff=Backoff(0.2, 2), **options) as room:
        yield room, heard


def by(stack: Stack, person: Person) -> Any:
    """The ready-made ticket source of `person`."""
    return tickets(stack.api, person.token)


def ours(heard: Recording[Message], mark: str) -> list[Message]:
    """The messages of this test: others may talk there too."""
    return [message for message in heard.items if message.text.startswith(mark)]


def all_of(mark: str, count: int) -> Callable[[list[Message]], bool | None]:
    """Looks for so many messages of this test."""
    return lambda items: sum(message.text.startswith(mark) for message in items) >= count or None


async def test_two_people_chat(stack: Stack, alice: Person, bob: Person) -> None:
    """Each hears both, in the same order, with the numbers that the senders were told."""
    mark = unique("chat")
    first, second = stack.realtime_processes[:2]
    async with (
        listening(first, ticket=by(stack, alice)) as (hers, she_hears),
        listening(second, ticket=by(stack, bob)) as (his, he_hears),
    ):
        said = [await hers.send(f"{mark} hello"), await his.send(f"{mark} hi"), await hers.send(f"{mark} bye")]
        for heard in (she_hears, he_hears):
            await heard.until("three messages", all_of(mark, 3))
        assert ours(she_hears, mark) == ours(he_hears, mark)
        assert [message.seq for message in ours(he_hears, mark)] == said
        assert [message.username for message in ours(he_hears, mark)] == [alice.username, bob.username, alice.username]


@pytest.mark.timeout(300)
async def test_cut_connections(stack: Stack, alice: Person, bob: Person) -> None:
    """While connections are cut again and again, all that two people say arrives at both, once and in order."""
    mark, count = unique("cut"), 60
    acknowledged: list[int] = []
    async with (
        in_front_of(stack.realtime) as proxy,
        listening(proxy.url, ticket=by(stack, alice)) as (hers, she_hears),
        listening(proxy.url, ticket=by(stack, bob)) as (his, he_hears),
    ):

        async def say(room: Room, text: str) -> int:
            seq = await room.send(text)
            acknowledged.append(seq)
            # By progress and not by the clock, so that it always happens in the middle.
            if len(acknowledged) % 30 == 15:
                proxy.cut()
            return seq

        said = [(room, f"{mark} {who} {n}") for n in range(count) for room, who in ((hers, "she"), (his, "he"))]
        async with asyncio.timeout(240):
            numbers = await asyncio.gather(*(say(room, text) for room, text in said))
        for heard in (she_hears, he_hears):
            await heard.until("all messages", all_of(mark, len(said)))
        assert proxy.opened >= 2 + 2 * 4
    stored = {text: seq for (_, text), seq in zip(said, numbers, strict=True)}
    for heard in (she_hears, he_hears):
        seqs = [message.seq for message in heard.items]
        assert seqs == list(range(seqs[0], seqs[-1] + 1))
        assert {message.text: message.seq for message in ours(heard, mark)} == stored
        assert len(ours(heard, mark)) == len(said)
        for who in ("she", "he"):
            texts = [message.text for message in ours(heard, mark) if f" {who} " in message.text]
            assert texts == [f"{mark} {who} {n}" for n in range(count)]


async def test_a_stored_place(stack: Stack, alice: Person) -> None:
    """A place from an earlier run brings exactly what was said since; one of another life is said to be gone."""
    mark = unique("place")
    async with Room(stack.realtime, ROOM, ticket=by(stack, alice)) as room, asyncio.timeout(WITHIN):
        seq = await room.send(f"{mark} seen")
        while (await anext(room)).seq < seq:
            pass
        place = room.place
        assert place is not None
        missed = [await room.send(f"{mark} missed {n}") for n in range(3)]
    async with Room(stack.realtime, ROOM, place=place) as room, asyncio.timeout(WITHIN):
        again = [await anext(room) for _ in range(missed[-1] - seq)]
        assert [message.seq for message in again] == list(range(seq + 1, missed[-1] + 1))
    lost: list[object] = []
    elsewhere = Place("00000000-0000-4000-8000-000000000000", place.seq)
    async with Room(stack.realtime, ROOM, place=elsewhere, on_resync=lost.append) as room, asyncio.timeout(WITHIN):
        await anext(room)
        assert len(lost) == 1
        assert room.place is not None
        assert room.place.epoch == place.epoch


async def test_a_guest(stack: Stack) -> None:
    """Somebody with neither ticket nor cookie is a guest, and is told who is there."""
    events: Recording[object] = Recording("events")

    def told(event: object) -> None:
        events.items.append(event)

    mark = unique("guest")
    async with listening(stack.realtime, on_event=told) as (room, heard):
        await room.send(mark)
        await heard.until("the message", all_of(mark, 1))
        assert ours(heard, mark)[0].username.startswith("guest-")
        assert isinstance(events.items[0], Presence)


async def test_a_cookie(stack: Stack, alice: Person) -> None:
    """A session's cookie with the right Origin says who it is."""
    mark = unique("cookie")
    async with listening(stack.realtime, cookie=alice.cookie, origin=stack.origin) as (room, heard):
        await room.send(mark)
        await heard.until("the message", all_of(mark, 1))
        assert ours(heard, mark)[0].username == alice.username


async def test_a_ticket_bought_by_cookie(stack: Stack, alice: Person) -> None:
    """The ready-made source buys with a session too."""
    source = tickets(stack.api, cookie=alice.cookie, csrf_token=alice.csrf_token)
    async with Room(stack.realtime, ROOM, ticket=source) as room:
        await room.send(unique("bought"))


@pytest.mark.parametrize(
    ("name", "as_guest", "kind"),
    [
        ("staff", False, Forbidden),
        ("staff", True, NotSignedIn),
        ("no.such.room", False, NoSuchRoom),
        ("no.such.room", True, NoSuchRoom),
    ],
)
async def test_where_nobody_gets_in(
    stack: Stack, alice: Person, name: str, as_guest: bool, kind: type[Exception]
) -> None:
    """A room that one may not enter, or that is not, is a typed error, by ticket and without."""
    with pytest.raises(kind):
        async with Room(stack.realtime, name, ticket=None if as_guest else by(stack, alice)):
            pytest.fail("entered")


async def test_the_documented_example(stack: Stack, alice: Person, capsys: pytest.CaptureFixture[str]) -> None:
    """The example of docs/clients.md does what the page says, against this stack."""
    found = re.search(r"```python\n(.*?)```", CLIENTS_PAGE.read_text(), re.DOTALL)
    assert found is not None
    code = found.group(1)
    for usual, actual in (
        ("http://127.0.0.1:8000", stack.api),
        ("ws://127.0.0.1:8001", stack.realtime),
        ("asyncio.run(main(", "running = (main("),
    ):
        assert usual in code
        code = code.replace(usual, actual)
    names: dict[str, Any] = {"TOKEN": alice.token, "__name__": "example"}
    exec(compile(code, str(CLIENTS_PAGE), "exec"), names)  # noqa: S102 - the page is ours
    async with asyncio.timeout(WITHIN):
        await names["running"]
    assert f"{alice.username}: Hello from Python" in capsys.readouterr().out
