"""Valid histories, made up by Hypothesis: a server that keeps every promise, and clients whose connections break."""

import random
from dataclasses import dataclass, field

from hypothesis import strategies as st
from tests.chaos.facts import Room, Row, Table
from tests.chaos.history import Event, checksum


@dataclass(slots=True)
class Story:
    """A history and the tables at its end."""

    events: list[Event] = field(default_factory=list)
    rooms: dict[str, Room] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """As the checker takes it."""
        return self.rooms


@dataclass(slots=True)
class _Client:
    name: str
    room: str
    conn: int = 0
    last: int = 0
    connected: bool = False


class _World:
    """A perfect server and its clock; every step takes a millisecond, so no two events are at the same time."""

    def __init__(self, seed: int, rooms: int, clients: int) -> None:
        self.rng = random.Random(seed)
        self.t = 0.0
        self.story = Story()
        self.rows: dict[str, list[Row]] = {f"room{number}": [] for number in range(rooms)}
        self.clients = [_Client(f"c{number}", f"room{number % rooms}") for number in range(clients)]
        self.unacked: list[tuple[_Client, Row]] = []
        self.sent = 0

    def add(self, kind: str, **fields: object) -> None:
        self.t += 0.001
        self.story.events.append(Event(self.t, kind, **fields))  # type: ignore[arg-type]  # as each kind has them

    def open(self, client: _Client) -> None:
        client.conn += 1
        client.connected = True
        where = {"client": client.name, "conn": client.conn, "room": client.room}
        self.add("open", **where, since=client.last if client.conn > 1 else None)
        self.catch_up(client)
        self.add("frame", **where, frame="synced", seq=client.last)

    def close(self, client: _Client) -> None:
        client.connected = False
        self.add("close", client=client.name, conn=client.conn, room=client.room, code=1012)

    def send(self, client: _Client) -> None:
        self.sent += 1
        text = f"message {self.sent}"
        row = Row(len(self.rows[client.room]) + 1, f"id{self.sent}", checksum(text))
        fate = self.rng.random()
        for _ in range(2 if fate > 0.9 else 1):
            self.add("send", client=client.name, conn=client.conn, room=client.room, id=row.id, sum=row.sum, via="ws")
        if fate < 0.05:  # never reached the server
            self.add("unknown", client=client.name, room=client.room, id=row.id, why="timeout")
            return
        self.rows[client.room].append(row)
        if fate > 0.1:
            self.unacked.append((client, row))

    def ack(self) -> None:
        client, row = self.unacked.pop(self.rng.randrange(len(self.unacked)))
        self.add("ack", client=client.name, conn=client.conn, room=client.room, id=row.id, seq=row.seq)

    def deliver(self, client: _Client) -> None:
        rows = self.rows[client.room]
        if client.connected and client.last < len(rows):
            row = rows[client.last]
            client.last += 1
            where = {"client": client.name, "conn": client.conn, "room": client.room}
            self.add("message", **where, seq=row.seq, id=row.id, sum=row.sum)

    def catch_up(self, client: _Client) -> None:
        while client.last < len(self.rows[client.room]):
            self.deliver(client)

    def step(self) -> None:
        client = self.rng.choice(self.clients)
        chance = self.rng.random()
        if chance < 0.05:
            (self.close if client.connected else self.open)(client)
        elif chance < 0.35:
            self.send(client)
        elif chance < 0.55 and self.unacked:
            self.ack()
        else:
            self.deliver(client)

    def finish(self) -> Story:
        for client in self.clients:
            if not client.connected:
                self.open(client)
            self.catch_up(client)
        while self.unacked:
            self.ack()
        self.story.rooms = {name: Room(len(rows), rows) for name, rows in self.rows.items()}
        return self.story


def story(seed: int, rooms: int, clients: int, steps: int) -> Story:
    """A valid history of so many steps; all clients are there from the beginning and are at the head at the end."""
    world = _World(seed, rooms, clients)
    for client in world.clients:
        world.open(client)
    for number in range(steps):
        if number == steps // 3:
            world.add("fault_start", fault="redis-kill")
        elif number == steps // 2:
            world.add("fault_stop", fault="redis-kill")
            world.add("healed", fault="redis-kill")
        world.step()
    # Whatever chance did, there is something to break: everybody has had at least three messages of two senders.
    for client in [*world.clients, *world.clients, *world.clients]:
        world.send(client)
        world.send(client)
    return world.finish()


stories = st.builds(
    story,
    seed=st.integers(0, 2**32),
    rooms=st.integers(1, 3),
    clients=st.integers(3, 8),
    steps=st.integers(10, 120),
)
