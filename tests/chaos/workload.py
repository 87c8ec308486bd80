"""The clients of a run: who is in which room, how they connect and how they post."""

import asyncio
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
from tests.chaos.database import Database
from tests.chaos.history import History
from tests.chaos.member import Member
from tests.chaos.people import Office, Person
from tests.chaos.sending import Habits, Poster
from tests.chaos.sse import SSEMember
from tests.chaos.websocket import WebSocketMember

STAFF = ("grace", "millrace-grace")
PUBLIC_ROOMS = 4
_PEOPLE = 8
# Bytes that a message is longer, and how many times as many there are.
_FLOOD = (3500, 8.0)
# (how it connects, who it is) of each room's clients; a guest in the private room would be nobody.
_PUBLIC = (("realtime-1", "ticket"), ("realtime-2", "cookie"), ("realtime", "guest"), ("sse", ""), ("sse", ""))
_PRIVATE = (("realtime-1", "cookie"), ("realtime-2", "ticket"), ("realtime", "ticket"), ("sse", ""), ("sse", ""))
# These lose their membership on the way.
_REVOCABLE = (("realtime-1", "ticket"), ("realtime-2", "cookie"), ("sse", ""))


@dataclass(slots=True)
class Places:
    """Where clients connect: `host:port` of each way in, all through the suite's proxies; `api` is a URL."""

    realtime: Mapping[str, str]
    api: str
    origin: str


@dataclass(slots=True)
class Workload:
    """Everybody who takes part. `flooded` is a room that has long messages, and many."""

    history: History
    database: Database
    office: Office
    session: aiohttp.ClientSession
    places: Places
    rng: random.Random
    rate: float
    rooms: dict[str, str] = field(default_factory=dict)
    private: str = ""
    staff: Person = field(init=False)
    members: list[Member] = field(default_factory=list)
    revocable: list[Member] = field(default_factory=list)
    posters: list[Poster] = field(default_factory=list)
    flooded: str = ""
    _running: list[asyncio.Task[None]] = field(default_factory=list)
    _posting: list[asyncio.Task[None]] = field(default_factory=list)

    async def prepare(self) -> None:
        """Makes people, rooms and clients."""
        self.staff = await self.office.sign_in(*STAFF)
        people = await self.office.hire(self.staff, _PEOPLE + len(_REVOCABLE))
        others, leaving = people[:_PEOPLE], people[_PEOPLE:]
        run = uuid.uuid4().hex[:8]
        for number in range(PUBLIC_ROOMS):
            name = f"chaos_{run}_{number + 1}"
            self.rooms[name] = await self.database.make_room(name)
            self._crowd(name, _PUBLIC, others)
        self.private = f"chaos_{run}_private"
        self.rooms[self.private] = await self.database.make_room(
            self.private, members=[person.username for person in people]
        )
        self._crowd(self.private, _PRIVATE, others)
        for person, (way, entry) in zip(leaving, _REVOCABLE, strict=True):
            self.revocable.append(self._member(self.private, way, entry, person))
        self._hire_posters()

    async def prepare_guests(self, rooms: int, each: int) -> None:
        """Guests only, by WebSocket only: for a stack that has nothing else."""
        for _ in range(rooms):
            name = f"chaos_{uuid.uuid4().hex[:8]}"
            self.rooms[name] = await self.database.make_room(name)
            ways = list(self.places.realtime)
            self._crowd(name, [(ways[number % len(ways)], "guest") for number in range(each)], [])
        self._hire_posters()

    def _hire_posters(self) -> None:
        habits = Habits(rate=self.rate / len(self.members))
        for member in self.members:
            self.posters.append(Poster(member, habits, self.session, self.places.api, self._manner))

    def _manner(self, room: str) -> tuple[int, float]:
        return _FLOOD if room == self.flooded else (0, 1.0)

    def _crowd(self, room: str, ways: Sequence[tuple[str, str]], people: Sequence[Person]) -> None:
        for way, entry in ways:
            self._member(room, way, entry, None if entry == "guest" else self.rng.choice(people))

    def _member(self, room: str, way: str, entry: str, person: Person | None) -> Member:
        name = f"c{len(self.members) + 1:02d}-{entry or way}"
        who = (name, room, self.rooms[room], person, self.history, random.Random(self.rng.random()))
        member: Member
        if way == "sse":
            member = SSEMember(*who, api=self.places.api, session=self.session)
        else:
            place = self.places.realtime[way]
            member = WebSocketMember(*who, place=place, label=way, entry=entry, office=self.office)
        self.members.append(member)
        return member

    def start(self) -> None:
        """Everybody connects and begins to post."""
        self._running = [asyncio.create_task(member.run(), name=member.name) for member in self.members]
        self._posting = [asyncio.create_task(poster.run()) for poster in self.posters]

    def check(self) -> None:
        """Raises what a client failed with: a defect of the suite or a frame that is none."""
        for task in [*self._running, *self._posting]:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def connected(self, within: float) -> list[str]:
        """Waits until everybody who may is online; the names of those who are not."""
        deadline = time.monotonic() + within
        while True:
            self.check()
            missing = [member.name for member in self.members if not (member.online.is_set() or member.shut_out)]
            if not missing or time.monotonic() > deadline:
                return missing
            await asyncio.sleep(0.1)

    async def finish_posting(self, within: float) -> int:
        """No new messages; those under way are repeated until their outcome is known. Returns how many are not."""
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        left = [task for poster in self.posters for task in poster.outstanding]
        if left:
            _, pending = await asyncio.wait(left, timeout=within)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            return len(pending)
        return 0

    async def at_head(self, within: float) -> list[str]:
        """Waits until everybody who may has everything; the names of those who have not."""
        heads = await self.database.heads(list(self.rooms))
        deadline = time.monotonic() + within
        while True:
            self.check()
            behind = [
                f"{member.name} at {member.last} of {heads[member.room]}"
                for member in self.members
                if not member.shut_out and (member.last or 0) < heads[member.room]
            ]
            if not behind or time.monotonic() > deadline:
                return behind
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Everybody goes."""
        outstanding = [task for poster in self.posters for task in poster.outstanding]
        for task in (tasks := [*self._running, *self._posting, *outstanding]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
