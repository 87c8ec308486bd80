"""Rates that hold over all processes without a round trip: decided here, settled with Redis in the background.

The generic cell rate algorithm. A limit of `amount` a `period` lets a key have `period` seconds of backlog: each use
adds `period / amount` seconds, and time works them off. So all that is kept of a key, here and in Redis, is the moment
when it has none left. A few times a second each process adds what was used here to the backlog in Redis and takes over
what it is then, with the uses of all others in it. docs/decisions/message-rates.md says why, and how far it can be off.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from limits import parse

from chassis import redis
from chassis.errors import TooManyRequests

logger = structlog.get_logger(__name__)

SETTLE_SECONDS = 0.25

# Adds seconds of backlog to a key, and answers with all that it has; by Redis' own clock, whichever process asks.
_ADD = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local free_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
if free_at <= now then return '0' end
redis.call('SET', KEYS[1], string.format('%.6f', free_at), 'PX', math.ceil((free_at - now) * 1000))
return string.format('%.6f', free_at - now)
"""


@cache
def _limit(notation: str) -> tuple[float, float]:
    """Seconds that one use costs, and seconds of backlog that a key may have."""
    item = parse(notation)
    period = float(item.get_expiry())
    return period / item.amount, period


@dataclass(slots=True)
class _Account:
    cost: float
    free_at: float
    unsettled: int = 0


class Rates:
    """Uses of keys by this process, and by the others as far as it knows; `name` begins the keys in Redis."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._settled = True

    def __len__(self) -> int:
        return len(self._accounts)

    def take(self, *uses: tuple[str, str]) -> None:
        """Use each key once, within its limit (such as `100/10 seconds`).

        Raises `TooManyRequests`, with the time to wait, where one of them is over its limit; then none is used.
        """
        now = self._clock()
        taken = []
        for key, notation in uses:
            cost, period = _limit(notation)
            account = self._accounts.get(key) or _Account(cost, now)
            free_at = max(account.free_at, now) + cost
            # The tolerance is for what adding floats loses.
            if free_at - now > period + cost / 1000:
                raise TooManyRequests("Too fast", retry_after=free_at - now - period)
            taken.append((key, account, cost, free_at))
        for key, account, cost, free_at in taken:
            account.cost, account.free_at = cost, free_at
            account.unsettled += 1
            self._accounts[key] = account

    async def settle(self) -> None:
        """Tell Redis what was used here, and learn what was used elsewhere; without Redis, nothing but a warning.

        What Redis could not be told is not told later: uses that time has worked off long ago would count as new ones.
        """
        self._forget()
        # Those that have a backlog and were not used are asked for: others may use them.
        used = {key: account.unsettled for key, account in self._accounts.items()}
        if not used:
            return
        for key, count in used.items():
            self._accounts[key].unsettled -= count
        try:
            backlogs = await self._add(used)
        except redis.UNAVAILABLE as error:
            if self._settled:
                logger.warning("rates.unsettled", rates=self._name, reason=type(error).__name__)
            self._settled = False
            return
        self._settled = True
        now = self._clock()
        for key, backlog in zip(used, backlogs, strict=True):
            account = self._accounts[key]
            # Never less than what is known here: a Redis that was flushed knows nothing.
            account.free_at = max(account.free_at, now + float(backlog) + account.unsettled * account.cost)

    async def _add(self, used: dict[str, int]) -> list[Any]:
        async with asyncio.timeout(redis.TIMEOUT), redis.client().pipeline(transaction=False) as pipe:
            for key, count in used.items():
                pipe.eval(_ADD, 1, f"{self._name}:{key}", str(count * self._accounts[key].cost))
            answers: list[Any] = await pipe.execute()
        return answers

    def _forget(self) -> None:
        now = self._clock()
        idle = [key for key, account in self._accounts.items() if account.free_at <= now and not account.unsettled]
        for key in idle:
            del self._accounts[key]
