"""Work that many ask for at once, done once: for asyncio, on one event loop, with the standard library only.

SingleFlight   equal calls that are under way share one: an answer may be as old as the call that brings it
Batcher        while one batch is worked on, the next one collects: an answer is never older than its question
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Batcher", "Flight", "SingleFlight"]


@dataclass(slots=True, eq=False)
class Flight[Key: Hashable, Answer]:
    """A call under way, and how many wait for its task."""

    key: Key
    task: asyncio.Task[Answer]
    waiting: int = 0


class SingleFlight[Key: Hashable, Answer]:
    """Concurrent calls with the same key share one call in flight.

    The answer may be as old as the call that brings it, never older; nothing is kept. What the call raises is raised to
    all who wait. It goes on while anybody waits, and is cancelled with the last of them.
    """

    def __init__(self) -> None:
        self._flights: dict[Key, Flight[Key, Answer]] = {}

    async def ask(self, key: Key, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer of `call()`, or of the call for `key` that is under way, in the context of the first caller."""
        flight = self.join(key, call)
        try:
            # Shielded: it belongs to all who wait, and not to the one who is cancelled.
            return await asyncio.shield(flight.task)
        finally:
            self.leave(flight)

    def join(self, key: Key, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Flight[Key, Answer]:
        """The same without waiting: each caller waits for the flight's task, never cancels it, and leaves once."""
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(call(), name="single-flight")
            flight = self._flights[key] = Flight(key, task)
            task.add_done_callback(lambda _: self._over(flight))
        flight.waiting += 1
        return flight

    def leave(self, flight: Flight[Key, Answer]) -> None:
        """One of those who joined waits no longer."""
        flight.waiting -= 1
        if not flight.waiting and not flight.task.done():
            self._over(flight)
            flight.task.cancel()

    def _over(self, flight: Flight[Key, Answer]) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    def __len__(self) -> int:
        return len(self._flights)


class Batcher[Item, Answer]:
    """Calls `work(key, items)`, one call a key at a time; it returns an answer for each item, in their order.

    A single caller waits for nothing but its own work; a thousand at the same moment share a few round trips. Whoever
    asks during a batch is answered by the one after it.
    """

    def __init__(self, work: Callable[[str, Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        self._work = work
        self._waiting: dict[str, list[tuple[Item, asyncio.Future[Answer]]]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def load(self, key: str, item: Item) -> Answer:
        """The answer for `item`; raises what the work raised. Whoever is cancelled while waiting takes its item along
        only if the batch has not begun.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append((item, answer))
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._run(key), name="batcher")
        return await answer

    async def _run(self, key: str) -> None:
        try:
            while waiting := self._waiting.pop(key, None):
                asked = [(item, answer) for item, answer in waiting if not answer.done()]
                if asked:
                    await self._batch(key, asked)
        finally:
            del self._running[key]

    async def _batch(self, key: str, asked: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._work(key, [item for item, _ in asked])
        except Exception as error:  # noqa: BLE001 - it belongs to those who asked
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(asked, answers, strict=True):
            if not future.done():
                future.set_result(answer)
