"""`python -m realtime` as it runs: two processes on one socket, their ends, and their dependencies taken away."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts.models import User
from realtime.__main__ import main
from rooms import messages
from rooms.access import RoomAccess
from testing.database import in_scope
from testing.people import ticket
from testing.waiting import eventually

from .conftest import cookie
from .processes import (
    ADJUSTED,
    DEADLINE,
    Client,
    Process,
    Proxy,
    all_running,
    client,
    database_url,
    listening_socket,
    running,
    start,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ORIGIN = "http://localhost:8000"


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[socket.socket]:
    """The socket that both processes accept from."""
    with listening_socket() as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def pair(_test_database: None, shared: socket.socket) -> AsyncIterator[list[Process]]:
    """Two processes on the shared socket, each with four database connections at most."""
    env = {"DATABASE_POOL_MAX": "4", "ALLOWED_ORIGINS": ORIGIN}
    async with all_running(env, env, shared=shared) as processes:
        yield processes


@pytest_asyncio.fixture(scope="module")
async def behind(_test_database: None) -> AsyncIterator[tuple[Process, Proxy]]:
    """A process whose way to PostgreSQL can be cut and held up; a test leaves it mended."""
    proxy = Proxy()
    await proxy.mend()
    async with running(DATABASE_URL=database_url(proxy.port), DATABASE_QUERY_TIMEOUT="1") as process:
        yield process, proxy
    await proxy.cut()


def port_of(shared: socket.socket) -> int:
    """The shared socket's port."""
    port: int = shared.getsockname()[1]
    return port


async def fetch(port: int, path: str, host: str = "127.0.0.1") -> httpx.Response:
    """An HTTP response of the process at `port`."""
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as http:
        return await http.get(f"http://{host}:{port}{path}")


async def test_chat_across_processes(pair: list[Process], room: RoomAccess) -> None:
    """A message posted to one process reaches a member who is connected to the other."""
    async with client(pair[0].port, room.name) as here, client(pair[1].port, room.name) as there:
        await there.next("synced")
        assert (await here.post("across"))["seq"] == 1
        assert (await there.next("message"))["message"] == "across"


@pytest.mark.parametrize("path", ["/health/", "/health/live", "/health/ready", "/health/startup"])
async def test_health(pair: list[Process], path: str, database: None) -> None:
    """Each process answers for itself, and does not tell what serves it."""
    response = await fetch(pair[1].port, path)
    assert (response.status_code, response.json(), response.headers["server"]) == (200, {"status": "ok"}, "millrace")


@pytest.mark.usefixtures("_test_database")
async def test_start_without_database() -> None:
    """A process that starts while PostgreSQL is away is ready, starts when PostgreSQL is back, and stays started."""
    proxy = Proxy()
    await proxy.mend()
    await proxy.cut()
    async with running(None, ADJUSTED, DATABASE_URL=database_url(proxy.port), PING_INTERVAL="0.1") as process:
        assert (await fetch(process.port, "/health/ready")).status_code == 200
        refused = await fetch(process.port, "/health/startup")
        assert (refused.status_code, refused.json()) == (503, {"error": "Database unavailable"})
        await eventually(partial(_reports, process, "millrace_database_up 0.0"), what="the metric says so")
        await proxy.mend()

        async def started() -> bool:
            return (await fetch(process.port, "/health/startup")).status_code == 200

        await eventually(started, what="it has started")
        await eventually(partial(_reports, process, "millrace_database_up 1.0"), within=DEADLINE, what="it is 1 again")
        await proxy.cut()
        assert await started()
        assert "database.back" in process.text
        assert "Traceback" not in process.text


async def _reports(process: Process, line: str) -> bool:
    return line in (await fetch(process.port, "/metrics")).text.splitlines()


async def test_metrics(pair: list[Process], room: RoomAccess) -> None:
    """Open sockets show in the process's metrics."""
    async with client(pair[0].port, room.name) as connected:
        await connected.next("synced")
        # Sockets that another test has left may still be on their way out.
        await eventually(partial(_reports, pair[0], "millrace_sockets 1.0"), within=DEADLINE, what="one socket is open")


async def test_shared_socket_serves(pair: list[Process], shared: socket.socket, room: RoomAccess) -> None:
    """The shared socket leads to one process or the other."""
    async with client(port_of(shared), room.name) as connected:
        assert (await connected.post("hi"))["seq"] == 1


async def test_fifty_sockets_on_four_connections(pair: list[Process], room: RoomAccess) -> None:
    """Fifty open sockets of a process with four database connections all post: none keeps a connection."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(client(pair[0].port, room.name)) for _ in range(50)]
        acks = [await connected.post("hi") for connected in sockets]
        # A client with unread frames would wait for its own queue before it closes.
        for connected in sockets:
            connected.connection.transport.abort()
    assert [ack["seq"] for ack in acks] == list(range(1, 51))


async def test_frame_over_the_cap(pair: list[Process], room: RoomAccess) -> None:
    """A frame of more than 16 KiB is an error, one of more than 64 KiB is closed with 1009."""
    async with client(pair[0].port, room.name) as connected:
        await connected.connection.send("x" * (16 * 1024 + 1))
        assert (await connected.next("error"))["code"] == "too_large"
        await connected.connection.send("x" * (64 * 1024 + 1))
        assert await connected.closed() == 1009


async def test_text_that_is_not_utf8(pair: list[Process], room: RoomAccess) -> None:
    """A text frame that is not UTF-8 is closed with 1007."""
    async with client(pair[0].port, room.name) as connected:
        await connected.connection.send(b'{"message": "\xff"}', text=True)
        assert await connected.closed() == 1007
    assert "Traceback" not in pair[0].text


@pytest.mark.parametrize("name", ["a-b", "no_such_room_here"])
async def test_close_codes_arrive(pair: list[Process], room: RoomAccess, name: str) -> None:
    """Our own codes pass daphne."""
    async with client(pair[0].port, name) as connected:
        assert await connected.closed() == 4004


async def test_rejected_handshake(pair: list[Process], room: RoomAccess, ada: User) -> None:
    """A cookie with a foreign Origin is HTTP 403."""
    with pytest.raises(InvalidStatus) as refused:
        async with client(pair[0].port, room.name, additional_headers=await cookie(ada, "http://localhost:8001")):
            pass
    assert refused.value.response.status_code == 403


async def test_cookie_and_ticket(pair: list[Process], room: RoomAccess, ada: User) -> None:
    """Both ways to be somebody work through a real handshake, and no secret is in the log."""
    headers = await cookie(ada, ORIGIN)
    secret = await ticket(ada, room)
    async with client(pair[0].port, room.name, "?since=private", additional_headers=headers) as by_cookie:
        await by_cookie.post("by cookie")
    async with client(pair[0].port, room.name, subprotocols=["millrace.v1", f"ticket.{secret}"]) as by_ticket:
        assert by_ticket.connection.subprotocol == "millrace.v1"
        await by_ticket.post("by ticket")
    usernames = {message.username for message in await in_scope(messages.catch_up(room, 0))}
    assert usernames == {"ada"}
    assert not any(word in pair[0].text for word in (secret, headers["Cookie"], "private", "by ticket"))


async def test_client_cannot_set_the_root_path(pair: list[Process], room: RoomAccess) -> None:
    """daphne would believe this header of anybody."""
    async with client(pair[0].port, room.name, additional_headers={"Daphne-Root-Path": "/elsewhere"}) as connected:
        await connected.next("synced")


async def test_one_of_two_is_killed(pair: list[Process], shared: socket.socket, room: RoomAccess) -> None:
    """When a process is killed the others go on accepting from the shared socket, and a new one joins them."""
    killed = await start(shared)
    await killed.listening(2)
    async with client(killed.port, room.name) as lost, client(pair[0].port, room.name) as kept:
        await lost.next("synced")
        killed.process.kill()
        assert await lost.closed() is None
        assert (await kept.post("still here"))["seq"] == 1
    await killed.ended()
    async with client(port_of(shared), room.name) as again:
        assert (await again.next("message"))["message"] == "still here"
    async with running(shared) as restarted, client(restarted.port, room.name) as back:
        assert (await back.post("back"))["seq"] == 2


async def test_sigterm(pair: list[Process], shared: socket.socket, room: RoomAccess) -> None:
    """SIGTERM ends a process with open sockets and HTTP connections: status 0, its members have left the room."""
    async with client(pair[0].port, room.name) as watcher:
        await watcher.next("user_join")
        process = await start(shared)
        await process.listening(2)
        async with client(process.port, room.name) as connected, httpx.AsyncClient(trust_env=False) as http:
            await connected.next("synced")
            await http.get(f"http://127.0.0.1:{process.port}/health/", timeout=30)
            guest = await watcher.next("user_join")
            process.process.terminate()
            assert await process.ended() == 0
            await connected.closed()
        assert await watcher.next("user_leave") == {"type": "user_leave", "username": guest["username"]}
        assert [line["event"] for line in process.lines][-2:] == ["server.stopping", "process.stopped"]
        assert not [line for line in process.lines if line["level"] in {"error", "critical"}]
        async with client(port_of(shared), room.name) as again:
            await again.next("synced")


async def test_database_away_and_back(behind: tuple[Process, Proxy], room: RoomAccess) -> None:
    """Without PostgreSQL a post is an error and no acknowledgement; the socket lives and posts when it is back."""
    process, proxy = behind
    async with inside(process, room) as connected:
        await eventually(partial(_posts, connected), within=DEADLINE, what="posts are acknowledged")
        await proxy.cut()
        refused = await connected.post("lost", kind="error")
        assert (refused["error"], refused["code"]) == ("Database unavailable", "unavailable")
        async with client(process.port, room.name) as turned_away:
            assert await turned_away.closed() == 4012
        await proxy.mend()
        await eventually(partial(_posts, connected), within=DEADLINE, what="posts are acknowledged again")


@contextlib.asynccontextmanager
async def inside(process: Process, room: RoomAccess) -> AsyncIterator[Client]:
    """A client in the room, tried again for as long as a slow machine makes queries take too long."""
    async with AsyncExitStack() as stack:

        async def enter() -> bool:
            connected = await stack.enter_async_context(client(process.port, room.name))
            with contextlib.suppress(ConnectionClosed):
                await connected.next("synced")
                found.append(connected)
            return bool(found)

        found: list[Client] = []
        await eventually(enter, within=DEADLINE, what="a client is in the room")
        yield found[0]


async def test_database_frozen(behind: tuple[Process, Proxy], room: RoomAccess) -> None:
    """While PostgreSQL answers nothing a post is an error in bounded time; repeated later, it is stored once."""
    (process, proxy), (before, held, after) = behind, (str(uuid.uuid4()) for _ in range(3))
    async with inside(process, room) as connected:
        await eventually(partial(_posts, connected, "before", before), within=DEADLINE, what="a post is acknowledged")
        proxy.hold()
        await connected.connection.send(json.dumps({"message": "held", "id": held}))
        refused = await connected.next("error")
        assert (refused["code"], refused["id"]) == ("unavailable", held)
        await connected.connection.send(json.dumps({"type": "ping"}))
        await connected.next("pong")
        proxy.release()
        await eventually(
            partial(_posts, connected, "held", held), within=DEADLINE, what="the repeated post is acknowledged"
        )
        await eventually(
            partial(_posts, connected, "after", after), within=DEADLINE, what="posts are acknowledged again"
        )
    stored = await in_scope(messages.catch_up(room, 0))
    assert [(message.seq, message.message) for message in stored] == [(1, "before"), (2, "held"), (3, "after")]


async def _posts(connected: Client, message: str = "after", client_id: str | None = None) -> bool:
    client_id = client_id or str(uuid.uuid4())
    await connected.connection.send(json.dumps({"message": message, "id": client_id}))
    while (frame := await connected.frame()).get("id") != client_id or frame["type"] == "message":
        pass
    return bool(frame["type"] == "ack")


async def test_ipv6(room: RoomAccess) -> None:
    """With LISTEN_IPV6=1 one port answers at 127.0.0.1 and at ::1, HTTP and WebSockets, and drains like any other."""
    process = await start(LISTEN_IPV6="1")
    try:
        await process.listening(2)
        for host in ("127.0.0.1", "[::1]"):
            assert (await fetch(process.port, "/health/startup", host)).status_code == 200
            async with client(process.port, room.name, host=host) as connected:
                await connected.post("hi")
        process.process.terminate()
        assert await process.ended() == 0
    finally:
        await process.stop()
    hosts = {line["host"] for line in process.lines if line["event"] == "server.listening"}
    assert hosts == {"0.0.0.0", "::"}  # noqa: S104 - what LISTEN_IPV6 asks for


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("PORT", "http"),
        ("LISTEN_IPV6", "perhaps"),
        ("LISTEN_FD", "-1"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.1,gateway"),
    ],
)
def test_configuration_errors(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A malformed variable ends the process before it listens, with one line that names it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=rf"^configuration: .*{name}.*$"):
        main()


async def test_missing_setting() -> None:
    """As the process shows it: status 1 and one line, for a variable of the settings."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "realtime", stderr=asyncio.subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if key != "REDIS_URL"},
    )  # fmt: skip
    _, stderr = await process.communicate()
    (line,) = stderr.decode().splitlines()
    assert (process.returncode, "REDIS_URL" in line) == (1, True)


@pytest.mark.usefixtures("_test_database")
async def test_port_in_use() -> None:
    """A port that is taken is an error, and the exit status says so."""
    with listening_socket() as taken:
        process = await start(PORT=str(port_of(taken)))
        assert await process.ended() == 1
    assert "server.listen_failed" in process.text


async def test_connection_closed_by_the_client(pair: list[Process], room: RoomAccess) -> None:
    """A client that closes is gone: it can send no more, and the process goes on."""
    async with client(pair[0].port, room.name) as connected:
        await connected.connection.close()
        with pytest.raises(ConnectionClosed):
            await connected.post("too late")
    assert (await fetch(pair[0].port, "/health/")).status_code == 200
