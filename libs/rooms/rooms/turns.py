"""Work that is done for all who wait at once: while one turn is under way, the next one collects.

A single caller waits for nothing but its own work; a thousand at the same moment share a few round trips. What a turn
finds out is never older than the question: whoever asks during a turn is answered by the one after it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence


class Turns[Item, Answer]:
    """Calls `work(key, items)`, one call a key at a time; it returns an answer an item, in their order."""

    def __init__(self, work: Callable[[str, Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        self._work = work
        self._waiting: dict[str, list[tuple[Item, asyncio.Future[Answer]]]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def ask(self, key: str, item: Item) -> Answer:
        """The answer for `item`; raises what the work raised. Whoever is cancelled while waiting takes its item along
        only if the turn has not begun.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append((item, answer))
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._run(key), name="turns")
        return await answer

    async def _run(self, key: str) -> None:
        try:
            while waiting := self._waiting.pop(key, None):
                asked = [(item, answer) for item, answer in waiting if not answer.done()]
                if asked:
                    await self._turn(key, asked)
        finally:
            del self._running[key]

    async def _turn(self, key: str, asked: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
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
