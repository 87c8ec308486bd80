"""Rooms full of sockets: each resumes by itself, some post, and the checker of tests/chaos compares all logs."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from tests.chaos.checker import check
from tests.chaos.facts import Limits, Verdict
from tests.chaos.history import Event, History
from tests.chaos.lag import lag_recorded
from tests.chaos.people import Office, Person
from tests.chaos.sending import Habits, Poster
from tests.chaos.websocket import WebSocketMember
from tests.load.rooms import Sql, make_rooms, table

USER = ("ada", "millrace-ada")
# Of one in each room, a second.
RATE = 0.8
# Nothing else tells a client that what it speaks to is gone without a word.
_HEARTBEAT = 5.0
_CONNECT = 90.0
_LAST_ANSWERS = 60.0


@dataclass(slots=True)
class Crowd:
    """The sockets and what they saw. `verdict` is there after the end."""

    members: list[WebSocketMember]
    history: History
    token: str
    verdict: Verdict = field(default_factory=Verdict)

    def disturb(self) -> None:
        """From here on messages may be late."""
        self.history.add("fault_start", fault="operation", why="the operation begins")

    def calm(self) -> None:
        """From here on they may not."""
        self.history.add("healed", fault="operation")

    @property
    def lost(self) -> list[str]:
        """Every message that was lost, doubled or out of order, and whatever else the checker objects to."""
        return [f"{finding.kind}: {finding.text}" for finding in self.verdict.findings]

    def closes(self, since: float = 0.0) -> list[Event]:
        """The connections that ended; `code` is None if no close frame came."""
        return [event for event in self.history.events if event.kind == "close" and event.t >= since]

    def returns(self, since: float = 0.0) -> dict[str, float]:
        """The longest time that each client, by name, was without a connection after one had ended."""
        gone: dict[str, float] = {}
        longest: dict[str, float] = {}
        for event in self.history.events:
            if event.t < since:
                continue
            if event.kind == "close":
                gone[event.client] = event.t
            elif event.frame == "synced" and event.client in gone:
                away = event.t - gone.pop(event.client)
                longest[event.client] = max(longest.get(event.client, 0.0), away)
        end = self.history.now()
        return longest | {client: end - t for client, t in gone.items()}


@contextlib.asynccontextmanager
async def crowd(
    urls: tuple[str, str], sql: Sql, folder: Path, *, rooms: int, sockets: int, heal: float = 10.0
) -> AsyncIterator[Crowd]:
    """Sockets, evenly in the rooms. The first of each room posts. `urls` are those of the api and realtime services.

    On leaving, every post has its outcome, all sockets are at the head of their room, and `verdict` says what is wrong.
    """
    api, realtime = urls
    made = await asyncio.to_thread(make_rooms, sql, rooms)
    history = History(folder / f"history-{random.getrandbits(32):08x}.jsonl")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        office = Office(session, api, api)
        person = await office.sign_in(*USER)
        who = (history, office, person, realtime.partition("://")[2])
        chosen = [list(made.items())[number % rooms] for number in range(sockets)]
        members = [_member(number, room, *who, first=number < rooms) for number, room in enumerate(chosen)]
        seen = Crowd(members, history, person.token)
        habits = Habits(rate=RATE, gives_up=0.0)
        posters = [Poster(member, habits, session, api, lambda _room: (0, 1.0)) for member in members[:rooms]]
        async with lag_recorded(history), _at_work(members, posters):
            yield seen
            await _settle(members, posters, sql, list(made), heal)
        stored = await asyncio.to_thread(table, sql, made)
        lag = max((event.code or 0 for event in history.events if event.kind == "lag"), default=0) / 1000
        seen.verdict = check(history.events, stored, Limits(heal=heal + lag, grace=2 + lag))
        history.close()


def _member(
    number: int, room: tuple[str, str], history: History, office: Office, person: Person, place: str, *, first: bool
) -> WebSocketMember:
    name, epoch = room
    # The first of each room posts, with a ticket; the others are guests, because a user may have 20 sockets.
    who = (f"{name}-{number:03d}", name, epoch, person if first else None, history, random.Random())
    entry = "ticket" if first else "guest"
    return WebSocketMember(*who, place=place, label="gateway", entry=entry, office=office, heartbeat=_HEARTBEAT)


@contextlib.asynccontextmanager
async def _at_work(members: Sequence[WebSocketMember], posters: Sequence[Poster]) -> AsyncIterator[None]:
    running = [asyncio.create_task(member.run(), name=member.name) for member in members]
    try:
        if missing := await _waiting(members, _CONNECT):
            raise AssertionError(f"{len(missing)} of {len(members)} sockets could not connect: {missing[:3]}")
        posting = [asyncio.create_task(poster.run()) for poster in posters]
        running += posting
        yield
        for task in running:
            if task.done() and not task.cancelled():
                task.result()
    finally:
        outstanding = [task for poster in posters for task in poster.outstanding]
        for task in (every := [*running, *outstanding]):
            task.cancel()
        await asyncio.gather(*every, return_exceptions=True)


async def _waiting(members: Sequence[WebSocketMember], within: float) -> list[str]:
    """Waits until all are connected; returns the names of those that are not."""
    deadline = asyncio.get_running_loop().time() + within
    while missing := [member.name for member in members if not member.online.is_set()]:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    return missing


async def _settle(
    members: Sequence[WebSocketMember], posters: Sequence[Poster], sql: Sql, rooms: Sequence[str], heal: float
) -> None:
    """Nothing new is said; what waits for an outcome gets it, and all come to the head, or the verdict will say so."""
    for poster in posters:
        poster.stop()
    outstanding = [task for poster in posters for task in poster.outstanding]
    if outstanding:
        await asyncio.wait(outstanding, timeout=_LAST_ANSWERS)
    await _waiting(members, heal)
    stored = await asyncio.to_thread(table, sql, rooms)
    deadline = asyncio.get_running_loop().time() + heal
    while any((member.last or 0) < stored[member.room].last_seq for member in members):
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(0.1)
