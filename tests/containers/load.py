"""Clients that must not notice anything: requests at a steady rate, and rooms full of sockets of the client library."""

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
from tests.containers.conftest import API_URL
from tests.containers.engine import of

from millrace_client import Message, Room, tickets

REALTIME_URL = os.environ.get("REALTIME_URL", "ws://localhost:8080").rstrip("/")
# A POST without an id is what nobody may repeat.
REQUESTS = (
    ("GET", "/api/items/"),
    ("POST", "/api/items/"),
    ("GET", "/api/me/"),
    ("GET", "/api/rooms/lobby/messages/"),
)
_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(slots=True)
class Requests:
    """What came of them: how many there were, and those that failed, each with what it met."""

    done: int = 0
    failed: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def requests(rate: float, token: str) -> AsyncIterator[Requests]:
    """So many a second, whether the ones before are answered or not; on leaving, all of them are."""
    counted = Requests()
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as session, asyncio.TaskGroup() as group:
        sending = group.create_task(_send(session, rate, counted, group))
        yield counted
        sending.cancel()


async def _send(session: aiohttp.ClientSession, rate: float, counted: Requests, group: asyncio.TaskGroup) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        group.create_task(_ask(session, *REQUESTS[counted.done % len(REQUESTS)], counted))
        counted.done += 1
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - loop.time()))


async def _ask(session: aiohttp.ClientSession, method: str, path: str, counted: Requests) -> None:
    body = {"n": 1} if method == "POST" else None
    try:
        async with session.request(method, f"{API_URL}{path}", json=body) as answer:
            text = await answer.text()
            if answer.status >= 400:
                said = json.loads(text).get("error") if answer.content_type == "application/json" else text[:80]
                request = answer.headers.get("X-Request-ID")
                counted.failed.append(f"{method} {path}: {answer.status}, {request}, {said}")
    except (aiohttp.ClientError, TimeoutError) as error:
        counted.failed.append(f"{method} {path}: {error!r}")


@dataclass(slots=True)
class Crowd:
    """Sockets in rooms: what each heard (numbers, as they came), and what was said (the head of each room)."""

    heard: list[tuple[str, list[int]]] = field(default_factory=list)
    heads: dict[str, int] = field(default_factory=dict)

    def behind(self) -> list[str]:
        """Whoever has not the numbers from 1 to the head, each once and in this order."""
        return [
            f"{room}: {len(numbers)} of {self.heads[room]}: {numbers[-5:]}"
            for room, numbers in self.heard
            if numbers != list(range(1, self.heads[room] + 1))
        ]


def make_rooms(count: int) -> list[str]:
    """New public rooms, in the database: nobody but staff makes them otherwise."""
    names = [f"crowd_{uuid.uuid4().hex[:12]}" for _ in range(count)]
    statement = (
        "INSERT INTO rooms_room (name, title, public, last_seq, epoch, created_at)"
        " SELECT name, 'Crowd', true, 0, gen_random_uuid(), now() FROM unnest(string_to_array(:'names', ',')) AS name"
    )
    # By standard input, for psql fills in variables there only.
    program = f'echo "$1" | psql -U postgres -d millrace -v ON_ERROR_STOP=1 -v names={",".join(names)} -q'
    made = of("postgres")[0].run("sh", "-c", program, "sh", statement)
    assert made.returncode == 0, made.stderr
    return names


@contextlib.asynccontextmanager
async def crowd(rooms: list[str], each: int, token: str, rate: float) -> AsyncIterator[Crowd]:
    """In each room so many sockets, one of which speaks `rate` times a second; on leaving, all have heard all."""
    seen = Crowd()
    async with contextlib.AsyncExitStack() as stack:
        entered = await asyncio.gather(
            *(
                stack.enter_async_context(_listener(seen, name, token if number == 0 else None))
                for name in rooms
                for number in range(each)
            )
        )
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for room in entered[::each]:
                group.create_task(_talk(room, seen, rate, stop))
            yield seen
            stop.set()
        async with asyncio.timeout(60):
            while seen.behind():  # noqa: ASYNC110 - 200 callbacks tell it
                await asyncio.sleep(0.1)


def _listener(seen: Crowd, name: str, token: str | None) -> Room:
    numbers: list[int] = []
    seen.heard.append((name, numbers))
    seen.heads[name] = 0

    def heard(message: Message) -> None:
        numbers.append(message.seq)

    ticket = tickets(API_URL, token) if token else None
    return Room(REALTIME_URL, name, ticket=ticket, on_message=heard, open_timeout=60)


async def _talk(room: Room, seen: Crowd, rate: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        seen.heads[room.name] = max(seen.heads[room.name], await room.send(f"{room.name} {uuid.uuid4()}"))
        await asyncio.sleep(1 / rate)
