"""The same question, asked by many at once, is asked once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class _Flight[Answer]:
    task: asyncio.Task[Answer]
    waiting: int = 0


class SingleFlight[Key: Hashable, Answer]:
    """Calls in flight by key: whoever asks what is being asked waits for that answer instead of asking again.

    The answer may be as old as the call that brings it, never older; nothing is kept. What the call raises is raised to
    all who wait. It goes on while anybody waits, and is cancelled with the last of them.
    """

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight[Answer]] = {}

    async def ask(self, key: Key, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer of `call()`, or of the call for `key` that is under way, in the context of whoever asked first."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(call(), name=f"single-flight {key}"))
            flight.task.add_done_callback(lambda _: self._over(key, flight))
        flight.waiting += 1
        try:
            # Shielded: it belongs to all who wait, and not to the one who is cancelled.
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._over(key, flight)
                flight.task.cancel()

    def _over(self, key: Key, flight: "_Flight[Answer]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    def __len__(self) -> int:
        return len(self._flights)
