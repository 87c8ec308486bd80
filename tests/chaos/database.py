"""The suite's own way into PostgreSQL: rooms for the run, faults inside the server, and the tables at the end."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from tests.chaos.facts import Room, Row
from tests.chaos.history import checksum

_APPLICATION = "chaos"


class Database:
    """A connection a piece of work: whatever happens to the server, the next piece starts afresh."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def connect(self) -> "psycopg.AsyncConnection[Any]":
        """A connection that is not a victim of `terminate_all`. Raises `psycopg.OperationalError`."""
        return await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=3, application_name=_APPLICATION
        )

    async def fetch(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """All rows."""
        async with await self.connect() as connection:
            return await (await connection.execute(query, values)).fetchall()

    async def healthy(self) -> bool:
        """Whether it answers a query within a few seconds."""
        try:
            async with asyncio.timeout(3):
                await self.fetch("SELECT 1")
        except (psycopg.Error, OSError, TimeoutError):
            return False
        return True

    async def make_room(self, name: str, *, members: Sequence[str] = ()) -> str:
        """A room, with members a private one; returns its epoch."""
        epoch = str(uuid.uuid4())
        async with await self.connect() as connection:
            await connection.execute(
                "INSERT INTO rooms_room (name, title, public, last_seq, epoch, created_at)"
                " VALUES (%s, 'Chaos', %s, 0, %s, now())",
                (name, not members, epoch),
            )
            await connection.execute(
                "INSERT INTO rooms_membership (room_id, user_id, created_at)"
                " SELECT rooms_room.id, accounts_user.id, now() FROM rooms_room, accounts_user"
                " WHERE rooms_room.name = %s AND username = ANY(%s)",
                (name, list(members)),
            )
        return epoch

    async def heads(self, names: Sequence[str]) -> dict[str, int]:
        """The head of each room."""
        rows = await self.fetch("SELECT name, last_seq FROM rooms_room WHERE name = ANY(%s)", list(names))
        return dict(rows)

    async def table(self, names: Sequence[str]) -> dict[str, Room]:
        """Everything that is stored in these rooms."""
        heads = await self.heads(names)
        stored: dict[str, list[Row]] = {name: [] for name in heads}
        rows = await self.fetch(
            "SELECT name, seq, client_id::text, body FROM rooms_message JOIN rooms_room ON rooms_room.id = room_id"
            " WHERE name = ANY(%s) ORDER BY name, seq",
            list(names),
        )
        for name, seq, client_id, body in rows:
            stored[name].append(Row(seq, client_id, checksum(body)))
        return {name: Room(head, stored[name]) for name, head in heads.items()}

    async def terminate_all(self) -> int:
        """Ends every session but the suite's own; returns how many."""
        rows = await self.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND application_name <> %s",
            _APPLICATION,
        )
        return len(rows)

    async def lock_room(self, name: str, seconds: float) -> None:
        """Holds the lock of a room's row: every post to it waits."""
        async with await self.connect() as connection, connection.transaction():
            await connection.execute("SELECT 1 FROM rooms_room WHERE name = %s FOR UPDATE", (name,))
            await asyncio.sleep(seconds)

    async def sessions(self) -> dict[str, int]:
        """How many sessions each service has; `stuck` are those that have been in a transaction for over 5 s."""
        rows = await self.fetch(
            "SELECT application_name, count(*), count(*) FILTER (WHERE state <> 'idle' AND xact_start < now() - '5 s'"
            "::interval) FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1"
        )
        found = {str(name): int(count) for name, count, _ in rows if name != _APPLICATION}
        return found | {"stuck": sum(stuck for name, _, stuck in rows if name != _APPLICATION)}


async def until_healthy(database: Database, within: float) -> bool:
    """Waits until the server answers; False where it does not in time."""
    deadline = time.monotonic() + within
    while not await database.healthy():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True
