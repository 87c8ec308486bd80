"""A process with five hundred sockets ends while people talk: all of them are told, and miss nothing."""

import asyncio

import httpx
import pytest

from testing.rooms import MakeRoom
from testing.waiting import eventually

from . import followers
from .adjusted import STARTED
from .conftest import current
from .followers import JOIN_SECONDS, Follower, talk
from .processes import ADJUSTED, Process, all_running, listening_socket

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOMS, SOCKETS = 10, 500
# Sockets are closed quickly, and a slow machine may take much longer for that.
ENV = {"DRAIN_SECONDS": "90", "LONGEST_PAUSE": "0.01"}
ENDED_SECONDS = 100
PAUSE = 0.4


async def slow_request(process: Process) -> httpx.Response:
    """A request that is answered once the process has been told to end."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"http://127.0.0.1:{process.port}/slow", timeout=JOIN_SECONDS)


async def test_five_hundred_sockets_move(make_room: MakeRoom) -> None:
    """Each is closed with 1012, comes back at the other process, and has every message once and in order."""
    rooms = [await make_room() for _ in range(ROOMS)]
    stop = asyncio.Event()
    with listening_socket() as shared:
        async with (
            all_running(ENV, ENV, shared=shared, program=ADJUSTED) as [staying, ending],
            asyncio.TaskGroup() as tasks,
        ):
            port = shared.getsockname()[1]
            crowd = [Follower(rooms[number % ROOMS], ending.port, port) for number in range(SOCKETS)]
            following = await followers.start(crowd, tasks)
            talking = [tasks.create_task(talk(room, staying.port, PAUSE, stop)) for room in rooms]
            await eventually(
                lambda: all(follower.seqs for follower in crowd), within=JOIN_SECONDS, what="all of them hear"
            )

            before = {room.name: (await current(room)).last_seq for room in rooms}
            request = asyncio.create_task(slow_request(ending))
            await ending.logged(STARTED)
            ending.process.terminate()
            assert (await request).status_code == 200
            assert await ending.ended(ENDED_SECONDS) == 0
            await followers.all_live(crowd)

            stop.set()
            await asyncio.gather(*talking)
            heads = {room.name: (await current(room)).last_seq for room in rooms}
            await eventually(
                lambda: all(follower.seqs[-1] >= heads[follower.room.name] for follower in crowd),
                within=JOIN_SECONDS,
                what="all of them have the last message",
            )
            for task in following:
                task.cancel()
    assert {follower.codes[0] for follower in crowd} == {1012}
    assert all(follower.seqs == list(range(1, heads[follower.room.name] + 1)) for follower in crowd)
    assert all(heads[name] > before[name] > 0 for name in heads), "there were no messages meanwhile"
    assert "Traceback" not in ending.text
    assert "socket.failed" not in ending.text + staying.text
