"""W4: one message to everybody in a room of 10, 100, 1,000 and 5,000."""

import statistics
from collections.abc import Callable, Mapping, Sequence

from bench import machine, rooms, socket_peers
from bench.contestant import Contestant, Server
from bench.load.room import Dialect, Room
from bench.quiet import quiet
from bench.results import Metric, Result, Table, Verdict, table
from bench.rounds import Samples, interleave
from bench.surroundings import databases
from bench.workload import Plan, Workload

SIZES = (10, 100, 1000)
LARGE = 5000
# About as many deliveries a turn, whatever the size; a member may post 20 messages at once.
DELIVERIES = 6000
# To fill the large room takes some contestants a minute: those that the targets name, once.
LARGE_ROUNDS = 1
IN_LARGE = ("Millrace", "Channels, daphne, pubsub layer", "Node ws", "Node socket.io", "transport.write loop")
STOCK = "Channels, daphne, pubsub layer"
LIMIT = "transport.write loop"
METRICS = (
    Metric("cpu_us", "server CPU, us a delivery", 1),
    Metric("all_ms", "to all members, ms", 1),
    Metric("reach", "reach", 3),
)


def contestants() -> list[Contestant]:
    """Everybody."""
    return [
        socket_peers.millrace(),
        socket_peers.channels("pubsub"),
        socket_peers.channels("core"),
        socket_peers.channels("pubsub", "uvicorn"),
        socket_peers.starlette(),
        socket_peers.python_socketio(),
        socket_peers.node("Node ws", "ws.js", "ws", "ioredis"),
        socket_peers.node("Node socket.io", "socketio.js", "socket.io", "@socket.io/redis-adapter", "ioredis"),
        socket_peers.bare(),
    ]


def dialect(contestant: Contestant) -> Dialect:
    """How it is spoken to."""
    return "socketio" if "socket" in contestant.name and "io" in contestant.name.split("socket")[1] else "plain"


def name(size: int) -> str:
    """Of the room, and of its table."""
    return f"fanout_{size}"


async def measure(server: Server, size: int) -> Mapping[str, float]:
    """Fill a room, have messages posted one after the other, each when everybody has the one before."""
    room = await Room.fill(server.port, name(size), size, dialect(server.contestant))
    try:
        # A subscription may still be under way, and joins be announced.
        await quiet(server.tree)
        await room.post()
        count = max(3, min(100, DELIVERIES // size))
        before = server.tree.cpu_seconds()
        seconds = [await room.post() for _ in range(count)]
        used = server.tree.cpu_seconds() - before
    finally:
        await room.leave()
        await quiet(server.tree)
    return {"cpu_us": used / (count * size) * 1e6, "all_ms": statistics.median(seconds) * 1e3, "reach": 1.0}


async def _compare(plan: Plan, sizes: Sequence[int], competing: Sequence[Contestant], rounds: int) -> Samples:
    async def turn(server: Server) -> Mapping[str, Mapping[str, float]]:
        measured = {name(size): await measure(server, size) for size in sizes}
        plan.say(f"{server.contestant.name}: " + ", ".join(f"{each['cpu_us']:.1f} us" for each in measured.values()))
        return measured

    return await interleave(competing, turn, rounds=rounds, cores=plan.cores, say=plan.say)


async def run(plan: Plan) -> Result:
    """Rooms up to 1,000 with all rounds, the large one with fewer."""
    databases(plan.cores)
    sizes = SIZES[:2] if plan.short else SIZES
    rooms.make([name(size) for size in (*SIZES, LARGE)])
    competing = contestants()
    samples = await _compare(plan, sizes, competing, plan.rounds)
    tables = [table(name(size), f"Rooms of {size:,}", METRICS, competing, samples) for size in sizes]
    if not plan.short:
        few = [contestant for contestant in competing if contestant.name in IN_LARGE]
        samples = await _compare(plan, [LARGE], few, LARGE_ROUNDS)
        tables.append(table(name(LARGE), f"Rooms of {LARGE:,}", METRICS, few, samples))
    return Result("fanout", WORKLOAD.title, ABOUT, plan.rounds, machine.describe(), tables, verdicts(tables), NOTES)


def verdicts(tables: Sequence[Table]) -> list[Verdict]:
    """W4 of the issue."""
    found = []
    for each in tables:
        if each.name not in (name(1000), name(LARGE)):
            continue
        ratio: Callable[[str], float | None] = lambda other, each=each: each.ratio("Millrace", other, "cpu_us")  # type: ignore[misc]  # noqa: E731 - bound to this table
        found += [
            Verdict(f"{each.title}: Millrace / stock Channels on daphne", 1 / 20, ratio(STOCK)),
            Verdict(f"{each.title}: Millrace / bare loop", 2.0, ratio(LIMIT)),
            Verdict(f"{each.title}: Millrace / Node ws", 1.0, ratio("Node ws")),
            Verdict(f"{each.title}: Millrace / Node socket.io", 1.0, ratio("Node socket.io")),
            Verdict(f"{each.title}: reach", 1.0, each.median("Millrace", "reach"), exact=True),
        ]
    return found


ABOUT = """One member posts a message of about 190 bytes through its own socket and waits until every member has it;
then the next one does. Measured is the whole way: the post comes in, is checked, for Millrace stored in PostgreSQL and
acknowledged, announced on Redis, and written to each member. Divided by the number of members. All members check every
message: a lost, repeated or foreign one ends the run, so reach is 1.000 or there is no result."""
NOTES = (
    "What bounds it: one `send` a member, which takes the kernel 8 to 14 us here, the more the larger the room; that "
    "is the loop of writes. Millrace adds about 1.5 ms a message (the post, its row, its announcement), which is most "
    "of the figure in rooms of 10 and 100, and 2 to 4 us of Python a member. Where stock Channels takes 240 us a "
    "delivery, a twentieth is what the loop of writes itself takes.",
    "The core layer's process logs `Too many connections` while many sockets leave: redis-py 8 gives its pool 100. "
    "No message is lost by it.",
)
WORKLOAD = Workload("fanout", "fan-out to a room", run)
