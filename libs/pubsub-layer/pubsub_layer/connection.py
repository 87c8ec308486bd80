"""One subscription connection, from its start to its loss."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

# A dead peer shows after two silent intervals: one that ends in a PING, and one without its answer.
PING_INTERVAL = 2.0
NAMES_A_COMMAND = 500
# A burst is handed to its readers before it fills their queues: parsing what is buffered never yields by itself.
ANSWERS_A_TURN = 64


class Backoff:
    """How long to wait before the next connection: full jitter, from `BASE` up to `CAP` seconds."""

    BASE, CAP = 0.1, 2.0

    def __init__(self) -> None:
        self._failures = 0

    def after(self, lasted: float) -> float:
        """The wait after a connection that lasted so many seconds."""
        # One that held was the end of an incident; one that never came up, or fell at once, is more of the same.
        self._failures = 0 if lasted > 2 * self.CAP else min(self._failures + 1, 10)
        return random.uniform(0, min(self.CAP, self.BASE * 2**self._failures))  # noqa: S311 - nothing secret


class SubscriberConnection:
    """Only its own two tasks touch the connection, so no caller can block it, or break it by being cancelled."""

    def __init__(self, pool: ConnectionPool, on_answer: Callable[[Any], None]) -> None:
        # Not one of the pool's: redis-py would reconnect it and subscribe again without telling anybody.
        self._connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
        self._on_answer = on_answer
        self._outbox: deque[tuple[str, str]] = deque()
        self._work = asyncio.Event()

    async def connect(self) -> None:
        """Connect and say hello, within the timeouts of the pool."""
        await self._connection.connect()  # type: ignore[no-untyped-call]

    def write(self, command: str, name: str = "") -> None:
        """Have a command sent, after those before it."""
        self._outbox.append((command, name))
        self._work.set()

    async def run(self) -> None:
        """Serve until the connection is lost, which raises."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send())
            tasks.create_task(self._receive())

    async def close(self) -> None:
        """Close the connection at once."""
        await self._connection.disconnect(nowait=True)

    async def _send(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._outbox:
                command, names = self._next_command()
                if not self._connection.is_connected:
                    # Sending would connect anew, without what is subscribed.
                    raise RedisConnectionError("Connection lost")
                await self._connection.send_command(command, *names, check_health=False)

    def _next_command(self) -> tuple[str, list[str]]:
        command, name = self._outbox.popleft()
        if not name:
            return command, []
        names = [name]
        while self._outbox and self._outbox[0][0] == command and len(names) < NAMES_A_COMMAND:
            names.append(self._outbox.popleft()[1])
        return command, names

    async def _receive(self) -> None:
        silent = False
        answers = 0
        while True:
            # With a timeout of its own this returns None after it; without, redis-py's (5 s) would end the connection.
            answer = await self._connection.read_response(timeout=PING_INTERVAL, disconnect_on_error=False)
            if answer is None:
                if silent:
                    raise RedisTimeoutError("No answer to PING")
                self.write("PING")
            else:
                self._on_answer(answer)
                answers += 1
                if answers % ANSWERS_A_TURN == 0:
                    await asyncio.sleep(0)
            silent = answer is None
