"""W5: 10,000 sockets on which nothing happens: the memory that each holds."""

import asyncio
from collections.abc import Mapping

from bench import machine, rooms, socket_peers
from bench.contestant import Contestant, Server
from bench.load.room import Audience, Member, gathered
from bench.quiet import quiet
from bench.results import Metric, Result, Table, Verdict, table
from bench.rounds import interleave
from bench.surroundings import databases
from bench.workload import Plan, Workload

SOCKETS = 10_000
# Connected first, so that what is loaded and allocated once is not counted a socket.
FIRST = 100
ROOMS = 200
STOCK = "Channels, daphne, pubsub layer"
TABLE = "idle"
METRICS = (
    Metric("kb", "resident, KB a socket", 2),
    Metric("join_ms", "CPU to connect, ms a socket", 2),
    Metric("idle_percent", "CPU while idle, % of a core", 1),
)
IDLE_SECONDS = 30.0


def contestants() -> list[Contestant]:
    """Millrace, stock Channels, and what a socket and a transport take at the least."""
    return [socket_peers.millrace(), socket_peers.channels("pubsub"), socket_peers.bare()]


def name(number: int) -> str:
    """Of a room."""
    return f"idle_{number % ROOMS}"


async def connect(port: int, first: int, count: int) -> list[Member]:
    """Sockets `first` and following, over all rooms."""
    audience = Audience()
    numbers = iter(range(first, first + count))
    return await gathered(lambda: Member(name(next(numbers)), audience, "plain"), count, port)


async def measure(server: Server, sockets: int, seconds: float) -> Mapping[str, float]:
    """Connect, look at the memory before and after, then at the CPU that pings and timers take."""
    members = await connect(server.port, 0, FIRST)
    await quiet(server.tree)
    rss, cpu = server.tree.rss_bytes(), server.tree.cpu_seconds()
    members += await connect(server.port, FIRST, sockets)
    await quiet(server.tree)
    joined, connected = server.tree.rss_bytes(), server.tree.cpu_seconds()
    await asyncio.sleep(seconds)
    idle = server.tree.cpu_seconds() - connected
    for member in members:
        member.socket.close()
    await asyncio.gather(*(member.socket.closed for member in members))
    return {
        "kb": (joined - rss) / sockets / 1024,
        "join_ms": (connected - cpu) / sockets * 1e3,
        "idle_percent": idle / seconds * 100,
    }


async def run(plan: Plan) -> Result:
    """One turn a process, because memory that was used once is not given back."""
    databases(plan.cores)
    rooms.make([name(number) for number in range(ROOMS)])
    sockets = SOCKETS // 10 if plan.short else SOCKETS
    competing = contestants()
    seen: dict[int, Mapping[str, Mapping[str, float]]] = {}

    async def turn(server: Server) -> Mapping[str, Mapping[str, float]]:
        pid = server.tree.pid
        if pid not in seen:
            seen[pid] = {TABLE: await measure(server, sockets, 2.0 if plan.short else IDLE_SECONDS)}
            plan.say(f"{server.contestant.name}: {seen[pid][TABLE]['kb']:.2f} KB a socket")
        return seen[pid]

    samples = await interleave(competing, turn, rounds=plan.rounds, cores=plan.cores, say=plan.say)
    tables = [table(TABLE, f"{sockets:,} idle sockets", METRICS, competing, samples)]
    return Result("idle", WORKLOAD.title, ABOUT, plan.rounds, machine.describe(), tables, verdicts(tables[0]))


def verdicts(found: Table) -> list[Verdict]:
    """W5 of the issue."""
    return [
        Verdict("resident memory, KB a socket", 25.0, found.median("Millrace", "kb")),
        Verdict("memory: Millrace / stock Channels", 1.0, found.ratio("Millrace", STOCK, "kb")),
    ]


ABOUT = f"""Sockets in {ROOMS} rooms, connected and synced, of which the server hears nothing but pongs. Resident memory
of the server's process after all are connected, less that with {FIRST} sockets. Each process is measured once. The
kernel's own buffers are in nobody's figure; the loop of writes shows what the bare transport takes."""
WORKLOAD = Workload("idle", "idle sockets", run)
