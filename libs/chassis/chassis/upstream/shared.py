"""Copies of good answers in Redis, for all processes and for those that start later; an answer never waits for Redis.

What is to be kept is handed over and written in the background, a few times a second, the latest of each key. What is
read has `PATIENCE` seconds; and once Redis did not keep to that, or failed, nobody asks it until a write in the
background has succeeded. So a Redis that is frozen costs those who are waiting for it just then `PATIENCE`, and nobody
after them anything.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog

from chassis import redis
from chassis.background import repeated

logger = structlog.get_logger(__name__)

PATIENCE = 0.02
SETTLE_SECONDS = 0.25
_PREFIX = "upstream"
# Between two turns, a process: more than that and the oldest are not shared.
_MOST = 1024


class Shared:
    """This process's way to the copies of all; `prefix` begins their keys in Redis."""

    def __init__(self, prefix: str = _PREFIX, patience: float = PATIENCE) -> None:
        self.prefix, self.patience = prefix, patience
        self._waiting: dict[str, tuple[float, bytes, float]] = {}
        # Not before Redis has answered once.
        self.answers = False

    def offer(self, key: str, at: float, body: bytes, keep_for: float) -> None:
        """Have an answer that came at `at`, seconds of the wall clock, written soon, to be kept for `keep_for`."""
        self._waiting.pop(key, None)
        if len(self._waiting) >= _MOST:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[key] = (at, body, keep_for)

    async def read(self, key: str) -> tuple[float, bytes] | None:
        """When the copy of `key` came, and its bytes; None where there is none, or none to be had right now."""
        if not self.answers:
            return None
        try:
            async with asyncio.timeout(self.patience):
                found = await redis.client().get(f"{self.prefix}:{key}")
        except redis.UNAVAILABLE as error:
            self._report(error)
            return None
        if found is None:
            return None
        at, _, body = str(found).partition(" ")
        return float(at), body.encode()

    async def settle(self) -> None:
        """Write what was handed over; without anything, ask whether Redis is there."""
        waiting, self._waiting = self._waiting, {}
        try:
            async with asyncio.timeout(redis.TIMEOUT):
                await self._write(waiting)
        except redis.UNAVAILABLE as error:
            self._report(error)
            return
        if not self.answers:
            logger.info("upstream.copies_shared")
        self.answers = True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A lifespan resource: writes while the process runs."""
        async with repeated(self.settle, every=SETTLE_SECONDS):
            yield

    async def _write(self, copies: dict[str, tuple[float, bytes, float]]) -> None:
        async with redis.client().pipeline(transaction=False) as pipe:
            for key, (at, body, keep_for) in copies.items():
                value: Any = f"{at:.3f} {body.decode()}"
                pipe.set(f"{self.prefix}:{key}", value, px=max(1, int(keep_for * 1000)))
            if not copies:
                pipe.ping()
            await pipe.execute()

    def _report(self, error: BaseException) -> None:
        if self.answers:
            logger.warning("upstream.copies_not_shared", reason=type(error).__name__)
        self.answers = False


shared = Shared()
