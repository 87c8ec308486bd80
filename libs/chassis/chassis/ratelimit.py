"""Rate limits shared by all processes, in Redis (the `limits` library: sliding window counters, async)."""

import asyncio
import math
import time
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from chassis.errors import TooManyRequests
from chassis.redis import TIMEOUT, UNAVAILABLE, new_pool

logger = structlog.get_logger(__name__)


@cache
def _limiter(loop: asyncio.AbstractEventLoop) -> SlidingWindowCounterRateLimiter:
    pool: Any = new_pool()
    storage = RedisStorage(
        f"async+{settings.REDIS_URL}", implementation="redispy", key_prefix="ratelimit", connection_pool=pool
    )
    return SlidingWindowCounterRateLimiter(storage)


@cache
def _item(limit: str) -> RateLimitItem:
    return parse(limit)


async def check(limit: str, *key: str) -> None:
    """Count one use of `key` against `limit` (such as `10/minute`); raises `TooManyRequests` when it is over.

    Without Redis the answer is yes: sign-in must not depend on a cache, and the bounded Argon2 executor still limits
    how many guesses a second this process can be made to check.
    """
    limiter, item = _limiter(asyncio.get_running_loop()), _item(limit)
    try:
        async with asyncio.timeout(TIMEOUT):
            if await limiter.hit(item, *key):
                return
            reset = (await limiter.get_window_stats(item, *key)).reset_time
    except UNAVAILABLE as error:
        logger.warning("ratelimit.unavailable", reason=type(error).__name__)
        return
    raise TooManyRequests(retry_after=math.ceil(max(1.0, reset - time.time())))
