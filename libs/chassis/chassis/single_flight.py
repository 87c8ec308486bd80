"""The same question, asked by many at once, is asked once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Flight[Key: Hashable, Answer]:
    """A call under way, and how many wait for its task."""

    key: Key
    task: asyncio.Task[Answer]
    waiting: int = 0


class SingleFlight[Key: Hashable, Answer]:
    """Calls in flight by key: whoever asks what is being asked waits for that answer instead of asking again.

    The answer may be as old as the call that brings it, never older; nothing is kept. What the call raises is raised to
    all who wait. It goes on while anybody waits, and is cancelled with the last of them.
    """

    def __init__(self) -> None:
        self._flights: dict[Key, Flight[Key, Answer]] = {}

    async def ask(self, key: Key, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer of `call()`, or of the call for `key` that is under way, in the context of whoever asked first."""
        flight = self.join(key, call)
        try:
            # Shielded: it belongs to all who wait, and not to the one who is cancelled.
            return await asyncio.shield(flight.task)
        finally:
            self.leave(flight)

    def join(self, key: Key, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Flight[Key, Answer]:
        """The same without waiting: whoever joins waits for the flight's task, cancels it never, and leaves once."""
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
