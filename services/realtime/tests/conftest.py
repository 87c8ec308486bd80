"""Fixtures of the realtime suite: rooms, people, and sockets on the real application."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from channels.testing import WebsocketCommunicator

from accounts.models import User
from chassis import redis
from chassis.gcra import Rates
from realtime import chat
from realtime.asgi import application
from realtime.limits import TokenBucket
from rooms import limits
from rooms.access import RoomAccess, enter
from testing.database import in_scope
from testing.people import sign_in
from testing.waiting import DEADLINE

pytest_plugins = ["testing.database", "testing.asgi", "testing.people", "testing.rooms"]

ORIGIN = "https://chat.example.org:8443"


class Socket:
    """A client's end of a socket on the application in this process."""

    def __init__(self, path: str, headers: dict[str, str], subprotocols: list[str]) -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.communicator = WebsocketCommunicator(application, path, headers=raw, subprotocols=subprotocols)
        self.subprotocol: str | None = None

    async def open(self) -> "Socket":
        """Complete the handshake."""
        accepted, self.subprotocol = await self.communicator.connect(timeout=DEADLINE)
        assert accepted, "the handshake was rejected"
        return self

    async def rejected(self) -> bool:
        """True if the handshake was rejected, which daphne answers with HTTP 403."""
        accepted, _ = await self.communicator.connect(timeout=DEADLINE)
        return not accepted

    async def send(self, **frame: Any) -> None:
        """Send a frame."""
        await self.communicator.send_json_to(frame)

    async def send_text(self, text: str) -> None:
        """Send a text frame as it is, an empty one too."""
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def frame(self) -> dict[str, Any]:
        """The next frame."""
        frame: dict[str, Any] = await self.communicator.receive_json_from(timeout=DEADLINE)
        return frame

    async def until(self, kind: str) -> list[dict[str, Any]]:
        """All frames up to the first of a `type`, that one included."""
        frames = [await self.frame()]
        while frames[-1]["type"] != kind:
            frames.append(await self.frame())
        return frames

    async def next(self, kind: str) -> dict[str, Any]:
        """The next frame of a `type`; others before it are passed over."""
        return (await self.until(kind))[-1]

    async def post(self, message: str) -> dict[str, Any]:
        """Post a message; its acknowledgement."""
        await self.send(message=message)
        return await self.next("ack")

    async def closed(self) -> int:
        """The code that the server closes with; frames before it are passed over."""
        while (output := await self.communicator.receive_output(DEADLINE))["type"] != "websocket.close":
            pass
        code: int = output["code"]
        return code

    async def leave(self) -> None:
        """Close from the client's side."""
        await self.communicator.disconnect(timeout=DEADLINE)


type Connect = Callable[..., Awaitable[Socket]]


class Clock:
    """Seconds that pass when a test adds to `now`."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session", autouse=True)
def _patience() -> Iterator[None]:
    """Redis may take as long as the machine needs; what happens when it never answers is tested in processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis, "TIMEOUT", DEADLINE)
        yield


@pytest.fixture
def frames_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the sockets of a test count their frames by, instead of the machine's."""
    clock = Clock()
    monkeypatch.setattr(chat, "TokenBucket", partial(TokenBucket, clock=clock))
    return clock


@pytest.fixture(autouse=True)
def _site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "TICKET_TIMEOUT", DEADLINE)
    settings.DATABASE_QUERY_TIMEOUT = DEADLINE
    # Users of different tests have the same ids, and must not share what they may post.
    monkeypatch.setattr(limits, "rates", Rates(f"test:{uuid.uuid4().hex}"))
    settings.ALLOWED_ORIGINS = [ORIGIN]
    settings.ALLOW_GUESTS = True


@pytest_asyncio.fixture
async def make_socket(process: None, database: None, clean_redis: Any) -> AsyncIterator[Callable[..., Socket]]:
    """Makes sockets that are not open yet; all are gone when the test ends."""
    made: list[Socket] = []

    def make(room: str, query: str = "", *, subprotocols: tuple[str, ...] = (), **headers: str) -> Socket:
        path = f"/ws/chat/{room}/{query and '?' + query}"
        made.append(Socket(path, headers, list(subprotocols)))
        return made[-1]

    yield make
    for socket in made:
        if not socket.communicator.future.done():
            await socket.leave()


@pytest_asyncio.fixture
async def connect(make_socket: Callable[..., Socket]) -> Connect:
    """Opens sockets: `await connect(room, query, **headers)`."""

    async def connect(room: str, query: str = "", **options: Any) -> Socket:
        return await make_socket(room, query, **options).open()

    return connect


async def cookie(user: User, origin: str = ORIGIN) -> dict[str, str]:
    """What a signed-in browser sends."""
    return {"Cookie": f"sessionid={await sign_in(user)}", "Origin": origin}


async def current(room: RoomAccess) -> RoomAccess:
    """The room as it is now."""
    return await in_scope(enter(room.name, None))
