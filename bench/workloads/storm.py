"""W7: 1,000 clients that come back at once, each to where it was."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import psycopg

from bench import machine, rooms, socket_peers
from bench.contestant import HOST, Contestant, Server
from bench.errors import WrongAnswer
from bench.load.websocket import WebSocket
from bench.quiet import quiet
from bench.results import Metric, Result, Table, Verdict, table
from bench.rounds import interleave
from bench.statements import logged
from bench.surroundings import databases
from bench.workload import Plan, Workload

CLIENTS = 1000
ROOMS = 10
STORED = 200
# What a client has missed: between these.
LEAST, MOST = 20, 120
# Connections under way at a time: what the smallest backlog among the contestants bears.
_AT_ONCE = 200
STOCK = "Channels, daphne, pubsub layer"
METRICS = (
    Metric("cpu_ms", "server CPU, ms a client", 2),
    Metric("seconds", "until all are back, s", 1),
    Metric("history", "history queries"),
    Metric("room", "room queries"),
    Metric("other", "other queries"),
)
_FILL = """
WITH room AS (UPDATE rooms_room SET last_seq = %(stored)s WHERE name = %(name)s AND last_seq = 0 RETURNING id)
INSERT INTO rooms_message (room_id, seq, sender, username, client_id, body, created_at)
SELECT id, n, 'guest:bench', 'guest-1a2b', gen_random_uuid(), 'the quick brown fox jumps', now()
FROM room, generate_series(1, %(stored)s) AS n
"""


def name(number: int) -> str:
    """Of a room."""
    return f"storm_{number % ROOMS}"


def fill() -> dict[str, str]:
    """Rooms with `STORED` messages each; their epochs by name."""
    names = [name(number) for number in range(ROOMS)]
    rooms.make(names)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        for each in names:
            connection.execute(_FILL, {"name": each, "stored": STORED})
        rows = connection.execute("SELECT name, epoch FROM rooms_room WHERE name = ANY(%s)", (names,)).fetchall()
    return {str(room): str(epoch) for room, epoch in rows}


class _Head(msgspec.Struct):
    type: str
    seq: int = 0


_decode = msgspec.json.Decoder(_Head).decode


@dataclass(slots=True)
class Returning:
    """A client that has everything up to `seq`."""

    room: str
    seq: int
    synced: asyncio.Future[None]

    def heard(self, payload: bytes) -> None:
        """What was missed comes in order, each once, and all of it before `synced`."""
        head = _decode(payload)
        if head.type == "message" and not self.synced.done():
            if head.seq != self.seq + 1:
                self.synced.set_exception(WrongAnswer(f"number {head.seq} after {self.seq}"))
            self.seq = head.seq
        elif head.type == "synced" and not self.synced.done():
            if self.seq != STORED:
                self.synced.set_exception(WrongAnswer(f"the last number is {self.seq}"))
            else:
                self.synced.set_result(None)


async def come_back(port: int, number: int, epochs: Mapping[str, str], gate: asyncio.Semaphore) -> WebSocket:
    """Client `number`, with its place; the socket when it is up to date."""
    since = STORED - LEAST - number % (MOST - LEAST)
    client = Returning(name(number), since, asyncio.get_running_loop().create_future())
    path = f"/ws/chat/{client.room}/?since={since}&epoch={epochs[client.room]}"
    socket = WebSocket(path, client.heard)
    async with gate, asyncio.timeout(120):
        await asyncio.get_running_loop().create_connection(lambda: socket, HOST, port)
        await socket.opened
    async with asyncio.timeout(120):
        await client.synced
    return socket


async def measure(
    server: Server, clients: int, epochs: Mapping[str, str], counted: Callable[[], Counter[str]]
) -> Mapping[str, float]:
    """All at once; CPU until nothing is left to do."""
    gate = asyncio.Semaphore(_AT_ONCE)
    await quiet(server.tree)
    counted()
    before, start = server.tree.cpu_seconds(), time.perf_counter()
    sockets = await asyncio.gather(*(come_back(server.port, number, epochs, gate) for number in range(clients)))
    seconds = time.perf_counter() - start
    await quiet(server.tree)
    used = server.tree.cpu_seconds() - before
    queries = counted()
    for socket in sockets:
        socket.close()
    await asyncio.gather(*(socket.closed for socket in sockets))
    await quiet(server.tree)
    kinds = {kind: float(queries[kind]) for kind in ("history", "room", "other")}
    return {"cpu_ms": used / clients * 1e3, "seconds": seconds, **kinds}


def contestants() -> list[Contestant]:
    """Millrace and stock Channels."""
    return [socket_peers.millrace(), socket_peers.channels("pubsub")]


async def run(plan: Plan) -> Result:
    """With every statement logged, which is PostgreSQL's work and in no figure."""
    trees = databases(plan.cores)
    epochs = fill()
    clients = CLIENTS // 10 if plan.short else CLIENTS
    competing = contestants()
    with logged(trees["postgres"]) as counted:

        async def turn(server: Server) -> Mapping[str, Mapping[str, float]]:
            found = await measure(server, clients, epochs, counted)
            plan.say(f"{server.contestant.name}: {found['cpu_ms']:.2f} ms, {found['history']:.0f} history queries")
            return {"storm": found}

        samples = await interleave(competing, turn, rounds=plan.rounds, cores=plan.cores, say=plan.say)
    tables = [table("storm", f"{clients:,} clients, {ROOMS} rooms", METRICS, competing, samples)]
    return Result("storm", WORKLOAD.title, ABOUT, plan.rounds, machine.describe(), tables, verdicts(tables[0]))


def verdicts(found: Table) -> list[Verdict]:
    """W7 of the issue."""
    return [
        Verdict(f"history queries, {ROOMS} rooms", ROOMS, found.median("Millrace", "history"), exact=True),
        Verdict("CPU a client: Millrace / stock Channels", 1.0, found.ratio("Millrace", STOCK, "cpu_ms")),
    ]


ABOUT = f"""{CLIENTS:,} guests connect at once to {ROOMS} rooms of a process that knows none of them yet, as after a
restart. Each says how far it had got and gets the {LEAST} to {MOST} messages that it has missed, which it checks.
History queries read messages; room queries find a room, check who may enter it, and read its head; they are counted in
PostgreSQL's log. Stock Channels checks nobody and has no room table to look at: it reads history, once a client."""
WORKLOAD = Workload("storm", "a storm of reconnects", run)
