"""Containers that come and go behind the gateway."""

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest
from tests.containers.conftest import API_URL
from tests.containers.engine import DEADLINE, compose, docker, eventually, gateway_log, of
from websockets.asyncio.client import ClientConnection, connect

REALTIME_URL = os.environ.get("REALTIME_URL", "ws://localhost:8080").rstrip("/")
REPLICAS = 2


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Whatever a test took away or added."""
    yield
    scale("api", REPLICAS)
    scale("realtime", REPLICAS)


def scale(service: str, replicas: int) -> None:
    compose("up", "-d", "--wait", "--no-recreate", "--no-deps", "--scale", f"{service}={replicas}", service)


def marker() -> str:
    """A path of its own, by which a test finds its requests in the gateway's log."""
    return f"/api/users/{uuid.uuid4().int % 10**9 + 10**9}/"


def served_by(path: str) -> set[str]:
    """The addresses that answered it."""
    return {line["upstream"].rsplit(", ", 1)[-1] for line in gateway_log(path)}


def addresses(service: str, port: int) -> set[str]:
    return {f"{container.address('back')}:{port}" for container in of(service)}


async def unread() -> ClientConnection:
    """A socket whose messages nobody takes; with a bound on them it would at some time see no close frame either."""
    return await connect(f"{REALTIME_URL}/ws/chat/lobby/", max_queue=None)


@pytest.mark.timeout(180)
def test_new_replicas_of_the_api_get_requests(gateway: httpx.Client) -> None:
    """Without touching the gateway."""
    scale("api", 4)
    wanted, path = addresses("api", 8000), marker()
    assert len(wanted) == 4

    def all_asked() -> bool:
        for _ in range(20):
            gateway.get(path)
        return served_by(path) == wanted

    eventually(all_asked, said="all four replicas answer")


@pytest.mark.timeout(180)
async def test_new_replicas_of_realtime_get_sockets() -> None:
    """`docker compose up --scale realtime=4`: sockets reach the new ones, the least busy first."""
    scale("realtime", 4)
    wanted = addresses("realtime", 8001)
    assert len(wanted) == 4
    room = f"scaled_{uuid.uuid4().hex[:8]}"
    opened = []
    try:
        async with asyncio.timeout(60):
            while served_by(f"/ws/chat/{room}/") != wanted:
                # Each stays open until the end, so the next one goes to somebody else.
                opened.append(await unread())
                # This one ends, for a line is written at the end.
                await (await connect(f"{REALTIME_URL}/ws/chat/{room}/")).close()
    finally:
        for connection in opened:
            await connection.close()


@pytest.mark.timeout(180)
def test_a_killed_replica_costs_no_request(gateway: httpx.Client) -> None:
    """SIGKILL while requests are under way: those that may be repeated are, on the other one."""
    victim = of("api")[0]
    statuses = [gateway.get("/api/items/").status_code for _ in range(20)]
    docker("kill", victim.name)
    statuses += [gateway.get("/api/items/").status_code for _ in range(200)]
    assert set(statuses) == {200}


@pytest.mark.timeout(180)
def test_without_any_replica_the_gateway_answers_itself(gateway: httpx.Client) -> None:
    """In the form of every other error, of either service and of any kind of request, also once the names are gone."""
    docker("kill", *(container.id for service in ("api", "realtime") for container in of(service)))

    def unavailable() -> bool:
        answers = [
            gateway.get("/api/items/"),
            gateway.post("/api/items/", json={}),
            gateway.get("/api/rooms/lobby/events/"),
            gateway.get("/ws/chat/lobby/"),
        ]
        # A connection to an address that was just given up may time out, which is 504.
        assert {answer.json()["error"] for answer in answers} <= {"Service unavailable", "Gateway timeout"}
        return {(answer.status_code, answer.headers.get("Retry-After")) for answer in answers} == {(503, "1")}

    eventually(unavailable, said="every request is answered with 503")
    # Longer than an address is kept.
    time.sleep(4)
    assert unavailable()


@pytest.mark.timeout(180)
def test_a_restarted_replica_is_found_again(gateway: httpx.Client) -> None:
    """Also at another address."""
    victim, path = of("api")[0], marker()
    docker("rm", "-f", victim.name)
    scale("api", REPLICAS)
    wanted = addresses("api", 8000)

    def both_asked() -> bool:
        for _ in range(10):
            gateway.get(path)
        return served_by(path) == wanted

    eventually(both_asked, said="both replicas answer")


@pytest.fixture
def cut_off() -> Iterator[Callable[[], object]]:
    """Takes a replica of the api off the network of the gateway; nothing says so to anybody, not even a reset."""
    victim = of("api")[0]
    (network,) = (name for name in victim.facts["NetworkSettings"]["Networks"] if name.endswith("_back"))
    yield partial(docker, "network", "disconnect", network, victim.id)
    docker("rm", "-f", victim.id)


@pytest.mark.timeout(180)
async def test_requests_to_a_replica_that_is_cut_off_are_asked_of_another_one(cut_off: Callable[[], object]) -> None:
    """Those that may be repeated, also after the gateway's list of replicas has changed."""
    async with httpx.AsyncClient(base_url=API_URL, timeout=DEADLINE) as client:
        # Connections to both replicas, which the gateway keeps.
        await asyncio.gather(*(client.get("/api/items/") for _ in range(40)))
        await asyncio.to_thread(cut_off)
        answers = await asyncio.gather(*(client.get("/api/items/") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.timeout(180)
async def test_streams_of_a_replica_that_is_cut_off_end(cut_off: Callable[[], object]) -> None:
    """The gateway notices that nobody is there, and clients come back to the other one."""
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=API_URL, timeout=2 * DEADLINE))
        login = await client.post("/api/login/", json={"username": "ada", "password": "millrace-ada"})
        signed_in = {"Authorization": f"Bearer {login.json()['token']}"}
        path = "/api/rooms/lobby/events/"
        # The least busy replica gets the next one, so each has one at least.
        streams = [
            await stack.enter_async_context(client.stream("GET", path, headers=signed_in)) for _ in range(2 * REPLICAS)
        ]
        assert {stream.status_code for stream in streams} == {200}
        reading = [asyncio.create_task(_until_it_ends(stream)) for stream in streams]
        await asyncio.to_thread(cut_off)
        try:
            done, going_on = await asyncio.wait(reading, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
            assert done
            assert going_on
            for task in done:
                task.result()
        finally:
            for task in reading:
                task.cancel()


async def _until_it_ends(stream: httpx.Response) -> None:
    with contextlib.suppress(httpx.RemoteProtocolError):
        async for _ in stream.aiter_raw():
            pass


@pytest.mark.timeout(180)
async def test_a_stopped_realtime_container_sends_its_sockets_on() -> None:
    """SIGTERM closes them with 1012, and the next connection meets another container."""
    sockets = [await unread() for _ in range(6)]
    await asyncio.to_thread(docker, "stop", of("realtime")[0].name)

    async with asyncio.timeout(DEADLINE):
        done, _ = await asyncio.wait(
            [asyncio.create_task(socket.wait_closed()) for socket in sockets], return_when=asyncio.FIRST_COMPLETED
        )
    assert done
    assert {socket.close_code for socket in sockets} - {None} == {1012}
    for socket in sockets:
        await socket.close()
    async with connect(f"{REALTIME_URL}/ws/chat/lobby/", max_queue=None) as again:
        assert await again.recv()


@pytest.mark.timeout(180)
async def test_a_stopped_gateway_answers_what_it_was_asked() -> None:
    """Also the slowest request. Sockets have no end, so they are cut off, without a close frame (1006)."""
    (gateway,) = of("gateway")
    socket = await unread()
    async with httpx.AsyncClient(base_url=API_URL, timeout=DEADLINE) as client:
        asked = asyncio.create_task(client.get("/api/async/?delay=10"))
        await asyncio.sleep(1)
        await asyncio.to_thread(docker, "stop", gateway.id)
        assert (await asked).status_code == 200
    await socket.wait_closed()
    assert socket.close_code == 1006
    # Not killed: that would be 137.
    assert gateway.refreshed().facts["State"]["ExitCode"] == 0
    await asyncio.to_thread(compose, "up", "-d", "--wait", "--no-recreate", "--no-deps", "gateway")
    async with connect(f"{REALTIME_URL}/ws/chat/lobby/") as again:
        assert await again.recv()
