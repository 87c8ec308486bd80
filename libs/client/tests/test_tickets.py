"""The ready-made ticket source, against a scripted api on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from millrace_client import Forbidden, NoSuchRoom, NotSignedIn, tickets


class Api:
    """Answers everything with one status and body; `asked` are the requests as they came."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = "201 Created"
        self.body = json.dumps({"ticket": "secret", "room": "lobby"})
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:"))
        self.asked.append(head + (await reader.readexactly(length)).decode())
        headers = f"Connection: close\r\nLocation: {self.url}/there"
        writer.write(f"HTTP/1.1 {self.status}\r\n{headers}\r\n\r\n{self.body}".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """The api."""
    found = Api()
    async with await asyncio.start_server(found.answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        found.url = f"http://{host}:{port}"
        yield found


async def test_by_token(api: Api) -> None:
    """A token goes into the Authorization header, the room into the body."""
    assert await tickets(api.url, "mine")("lobby") == "secret"
    assert api.asked[0].startswith("POST /api/ws-ticket/ ")
    assert "Authorization: Bearer mine" in api.asked[0]
    assert api.asked[0].endswith('{"room": "lobby"}')


async def test_by_cookie(api: Api) -> None:
    """A session goes with its CSRF token and the Origin that Django compares."""
    await tickets(api.url, cookie="sessionid=mine", csrf_token="csrf")("lobby")
    head = api.asked[0].lower()
    for line in ("cookie: sessionid=mine", "x-csrftoken: csrf", f"origin: {api.url}", f"referer: {api.url}/"):
        assert line in head


@pytest.mark.parametrize(
    ("status", "kind"),
    [("401 Unauthorized", NotSignedIn), ("403 Forbidden", Forbidden), ("404 Not Found", NoSuchRoom),
     ("503 Service Unavailable", OSError), ("429 Too Many Requests", OSError), ("302 Found", OSError)],
)  # fmt: skip
async def test_refused(api: Api, status: str, kind: type[Exception]) -> None:
    """What will not change ends the room, anything else is worth another try; a redirect gets no token."""
    api.status = status
    with pytest.raises(kind):
        await tickets(api.url, "mine")("lobby")
    assert len(api.asked) == 1


async def test_nobody_there() -> None:
    """An api that is down is worth another try."""
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    with pytest.raises(OSError):  # noqa: PT011 - any of them
        await tickets(f"http://127.0.0.1:{port}", "mine")("lobby")


def test_an_address_that_is_none() -> None:
    """An address of another kind is refused before anything is sent."""
    with pytest.raises(ValueError, match="http://"):
        tickets("ftp://127.0.0.1")
