"""A process with five hundred sockets ends while people talk: all of them are told, and miss nothing."""

import asyncio
from pathlib import Path

import httpx
import pytest

from chassis.testing import eventually

from . import followers
from .conftest import MakeRoom, current
from .followers import Follower, talk
from .processes import Process, listening_socket, running
from .slow import STARTED

pytestmark = pytest.mark.timeout(180)

SLOW = Path(__file__).with_name("slow.py")
ROOMS, SOCKETS = 10, 500
DRAIN_SECONDS = 8
PAUSE, CATCH_UP_SECONDS = 0.4, 30


async def slow_request(process: Process) -> httpx.Response:
    """A request that takes two seconds."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"http://127.0.0.1:{process.port}/slow", timeout=60)


async def test_five_hundred_sockets_move(make_room: MakeRoom) -> None:
    """Each is closed with 1012, comes back at the other process, and has every message once and in order."""
    rooms = [await make_room() for _ in range(ROOMS)]
    stop = asyncio.Event()
    with listening_socket() as shared:
        async with (
            running(shared) as staying,
            running(shared, (str(SLOW),), DRAIN_SECONDS=str(DRAIN_SECONDS)) as ending,
            asyncio.TaskGroup() as tasks,
        ):
            port = shared.getsockname()[1]
            crowd = [Follower(rooms[number % ROOMS], ending.port, port) for number in range(SOCKETS)]
            following = await followers.start(crowd, tasks)
            talking = [tasks.create_task(talk(room, staying.port, PAUSE, stop)) for room in rooms]
            await eventually(lambda: all(follower.seqs for follower in crowd), what="everybody hears")

            before = {room.name: (await current(room)).last_seq for room in rooms}
            request = asyncio.create_task(slow_request(ending))
            await ending.logged(STARTED)
            ending.process.terminate()
            assert (await request).status_code == 200
            assert await ending.ended() == 0
            await followers.all_live(crowd)

            stop.set()
            await asyncio.gather(*talking)
            heads = {room.name: (await current(room)).last_seq for room in rooms}
            await eventually(
                lambda: all(follower.seqs[-1] >= heads[follower.room.name] for follower in crowd),
                within=CATCH_UP_SECONDS,
                what="everybody has the last message",
            )
            for task in following:
                task.cancel()
    assert {follower.codes[0] for follower in crowd} == {1012}
    assert all(follower.seqs == list(range(1, heads[follower.room.name] + 1)) for follower in crowd)
    assert all(heads[name] > before[name] > 0 for name in heads), "nobody talked meanwhile"
    assert "Traceback" not in ending.text
    assert "socket.failed" not in ending.text + staying.text
