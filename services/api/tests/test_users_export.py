"""`/api/users/export/`: chunks, flat, without a connection between them, and over when the client goes."""

import asyncio
import json

import httpx
import pytest_asyncio

from accounts.models import User
from api.asgi import application
from api.users.queries import EXPORT_CHUNK
from async_handler.types import Message, Scope
from testing.database import connections_in_use, count_queries, in_scope
from testing.people import bearer

USERS = 2 * EXPORT_CHUNK + 1
# Django's handler sends what a stream yields in parts of this many bytes.
PART_MAX = 65_536


@pytest_asyncio.fixture
async def crowd(user: User) -> None:
    """With Ada, as many users as make two full chunks and one user more."""
    users = [User(username=f"user{number}", password="!") for number in range(USERS - 1)]
    await in_scope(User.async_objects.abulk_create(users))


class SlowClient:
    """Drives the application by hand: whoever sends to it waits until the next message is asked for."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": "/api/users/export/",
            "raw_path": b"/api/users/export/",
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"host", b"testserver"), *((k.lower().encode(), v.encode()) for k, v in headers.items())],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        }
        self.requested = False
        self.gone = asyncio.Event()
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.permits = asyncio.Semaphore(0)

    async def receive(self) -> Message:
        """The request, then nothing until the client goes."""
        if not self.requested:
            self.requested = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Hands `message` over, and returns when it has been read."""
        self.sent.put_nowait(message)
        await self.permits.acquire()

    async def part(self) -> bytes:
        """The next part of the body; the application waits in `send` from now on. Empty at the end."""
        while (message := await self.sent.get())["type"] != "http.response.body":
            self.permits.release()
        return bytes(message.get("body", b""))

    async def run(self) -> None:
        """One request."""
        await application(self.scope, self.receive, self.send)


async def test_every_user_once(user_client: httpx.AsyncClient, crowd: None) -> None:
    """One JSON object a line, by id."""
    response = await user_client.get("/api/users/export/")
    assert response.headers["Content-Type"] == "application/x-ndjson"
    users = [json.loads(line) for line in response.text.splitlines()]
    first = users[0]["id"]
    assert [user["id"] for user in users] == list(range(first, first + USERS))
    assert set(users[0]) == {"id", "username", "is_active", "is_staff", "date_joined", "email"}


async def test_parts_without_a_connection_between(user: User, process: None, crowd: None) -> None:
    """However slowly somebody reads, they hold a small part in memory, and no connection."""
    client = SlowClient(await bearer(user))
    running = asyncio.create_task(client.run())
    lines = 0
    while part := await client.part():
        lines += part.count(b"\n")
        assert len(part) <= PART_MAX
        assert connections_in_use() == 0
        client.permits.release()
    client.permits.release()
    await running
    assert lines == USERS


async def test_over_when_the_client_goes(user: User, process: None, crowd: None) -> None:
    """Nothing more is read for a client that has gone: of three pages, one."""
    client = SlowClient(await bearer(user))
    with count_queries() as statements:
        running = asyncio.create_task(client.run())
        await client.part()
        client.gone.set()
        await running
    assert len([statement for statement in statements if f"LIMIT {EXPORT_CHUNK}" in statement]) == 1
    assert connections_in_use() == 0
