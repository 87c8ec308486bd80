"""What a stream brought, kept in order, and waiting in it with a deadline.

Nothing is consumed: a test may ask for a frame that came before it asked, so no order of awaits can miss one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

# Generous, because only a failure takes that long: every wait ends with the frame that it waits for.
WITHIN = 30.0


class Recording[T]:
    """Everything that a stream brought so far; `ended` says why it brings no more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: list[T] = []
        self.ended: str | None = None
        self._changed = asyncio.Condition()

    async def add(self, item: T) -> None:
        """Append `item` and wake who waits."""
        async with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    async def end(self, reason: str) -> None:
        """No more will come."""
        async with self._changed:
            self.ended = reason
            self._changed.notify_all()

    async def until[R](self, what: str, look: Callable[[list[T]], R | None], within: float = WITHIN) -> R:
        """The first result of `look` at all items that is not None; fails after `within` seconds, or when all ended."""
        try:
            async with asyncio.timeout(within), self._changed:
                while (found := look(self.items)) is None:
                    if self.ended is not None:
                        raise AssertionError(f"{self.name} ended ({self.ended}) before {what}; {self._tail()}")
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"{self.name}: no {what} within {within:g} s; {self._tail()}") from None

    async def first(self, match: Callable[[T], bool], what: str = "match", within: float = WITHIN) -> T:
        """The first item, old or new, that matches."""
        return await self.until(what, lambda items: next((item for item in items if match(item)), None), within)

    async def until_ended(self, within: float = WITHIN) -> str:
        """Why the stream ended; fails where it did not within `within` seconds."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: self.ended is not None)
        except TimeoutError:
            raise AssertionError(f"{self.name} still open after {within:g} s; {self._tail()}") from None
        return str(self.ended)

    def _tail(self) -> str:
        return f"of {len(self.items)} the last are {self.items[-5:]}"


async def poll[R](ask: Callable[[], Awaitable[R | None]], what: str, within: float = WITHIN, every: float = 0.1) -> R:
    """What `ask` answers once it is not None; for what announces itself by nothing that one could wait for."""
    deadline = asyncio.get_running_loop().time() + within
    while (found := await ask()) is None:
        assert asyncio.get_running_loop().time() < deadline, f"no {what} within {within:g} s"
        await asyncio.sleep(every)
    return found


def has(**fields: Any) -> Callable[[dict[str, Any]], bool]:
    """Matches an object that has all these fields."""
    return lambda item: all(key in item and item[key] == value for key, value in fields.items())
