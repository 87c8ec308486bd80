"""W6: one message to everybody who reads a room as Server-Sent Events."""

import asyncio
import statistics
import time
from collections.abc import Mapping
from functools import partial

import httpx

from bench import machine, peer, rooms, socket_peers
from bench.contestant import HOST, Contestant, Server
from bench.load.room import Audience, Member, gathered
from bench.load.stream import Stream
from bench.quiet import quiet
from bench.results import Metric, Result, Table, Verdict, table
from bench.rounds import interleave
from bench.surroundings import databases
from bench.workload import Plan, Workload

SIZES = (100, 1000)
DELIVERIES = 6000
PEER, LIMIT = "Starlette, broadcaster", "transport.write loop"
METRICS = (
    Metric("cpu_us", "server CPU, us a delivery", 1),
    Metric("all_ms", "to all streams, ms", 1),
)
_READER = {"username": "bench_reader", "password": "four streams of events", "email": "reader@example.org"}


class Reader(Member):
    """A stream in place of a socket."""

    headers = ""

    async def join(self, port: int, query: str = "") -> None:
        """Open the stream, and wait for the end of history."""
        self.stream = Stream(f"/api/rooms/{self.room}/events/{query}", self.headers, self.heard)
        await asyncio.get_running_loop().create_connection(lambda: self.stream, HOST, port)
        async with asyncio.timeout(60):
            await self.synced

    def leave(self) -> None:
        """Drop the connection."""
        self.stream.close()


class Visitor:
    """Whoever posts; to Millrace as somebody who is signed in, since only they may read streams."""

    def __init__(self) -> None:
        self.token = ""

    async def headers(self, server: Server) -> dict[str, str]:
        """What a request to `server` needs."""
        if server.contestant.kind != "ours":
            return {}
        if not self.token:
            async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
                response = await client.post("/api/register/", json=_READER)
                response.raise_for_status()
                self.token = response.json()["token"]
        return {"Authorization": f"Bearer {self.token}"}


def name(size: int) -> str:
    """Of the room, and of its table."""
    return f"sse_{size}"


async def measure(server: Server, visitor: Visitor, size: int) -> Mapping[str, float]:
    """Open streams, post messages one after the other, each when every stream has the one before."""
    headers = await visitor.headers(server)
    audience = Audience()
    Reader.headers = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    readers = await gathered(partial(Reader, name(size), audience, "plain"), size, server.port)
    audience.size = size
    await quiet(server.tree)
    count = max(3, DELIVERIES // size)
    seconds = []
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}", headers=headers) as client:

        async def post() -> None:
            start = time.perf_counter()
            response = await client.post(f"/api/rooms/{name(size)}/messages/", json={"message": audience.next()})
            response.raise_for_status()
            await audience.reached()
            seconds.append(time.perf_counter() - start)

        await post()
        before = server.tree.cpu_seconds()
        for _ in range(count):
            await post()
        used = server.tree.cpu_seconds() - before
    for reader in readers:
        reader.leave()
    await quiet(server.tree)
    return {"cpu_us": used / (count * size) * 1e6, "all_ms": statistics.median(seconds[1:]) * 1e3}


def contestants() -> list[Contestant]:
    """Our api, Starlette, the loop of writes."""
    return [
        peer.api("Millrace", {"LOG_LEVEL": "WARNING", **socket_peers.UNLIMITED}),
        socket_peers.starlette(),
        socket_peers.bare(),
    ]


async def run(plan: Plan) -> Result:
    """All sizes in one turn."""
    databases(plan.cores)
    sizes = SIZES[:1] if plan.short else SIZES
    rooms.make([name(size) for size in SIZES])
    competing, visitor = contestants(), Visitor()

    async def turn(server: Server) -> Mapping[str, Mapping[str, float]]:
        measured = {name(size): await measure(server, visitor, size) for size in sizes}
        plan.say(f"{server.contestant.name}: " + ", ".join(f"{each['cpu_us']:.1f} us" for each in measured.values()))
        return measured

    samples = await interleave(competing, turn, rounds=plan.rounds, cores=plan.cores, say=plan.say)
    tables = [table(name(size), f"{size:,} streams", METRICS, competing, samples) for size in sizes]
    return Result("sse", WORKLOAD.title, ABOUT, plan.rounds, machine.describe(), tables, verdicts(tables[-1]), NOTES)


def verdicts(found: Table) -> list[Verdict]:
    """W6 of the issue names no ratio: not more than Starlette."""
    return [Verdict(f"{found.title}: Millrace / Starlette", 1.0, found.ratio("Millrace", PEER, "cpu_us"))]


ABOUT = """A message is posted over HTTP, the next one when every stream has it. Measured is the whole way, the post
too, divided by the number of streams; every stream checks every message. Millrace's streams are
those of signed-in users."""
NOTES = (
    "Both write through uvicorn, whose chunk and write are most of it; Millrace's post is also stored in PostgreSQL, "
    "which is most of the difference with 100 streams.",
)
WORKLOAD = Workload("sse", "Server-Sent Events", run)
