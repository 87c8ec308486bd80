"""Argon2 off the event loop and bounded.

A hash takes tens of milliseconds and 100 MiB, so it runs on a small executor of its own. Beyond `MAX_WAITING` callers
in line the next is told to come back (429): a flood of sign-ins must not take the memory or the time of everybody else.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.contrib.auth.hashers import check_password, make_password

from chassis.errors import TooManyRequests

WORKERS = 2
MAX_WAITING = 16

_executor = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="argon2")


@cache
def _places(loop: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
    return asyncio.Semaphore(WORKERS + MAX_WAITING)


async def _run[R](function: Callable[[], R]) -> R:
    loop = asyncio.get_running_loop()
    places = _places(loop)
    if places.locked():
        raise TooManyRequests("Too many sign-ins at once")
    async with places:
        return await loop.run_in_executor(_executor, function)


async def hash_password(password: str) -> str:
    """The encoded Argon2 hash of `password`. Raises `TooManyRequests`."""
    return await _run(lambda: make_password(password))


@cache
def _nobody() -> str:
    return make_password("nobody has this password")


async def verify_password(password: str, encoded: str | None) -> bool:
    """True if `password` belongs to `encoded`; None, for a user that does not exist, takes just as long and is False.

    Raises `TooManyRequests`.
    """
    if encoded is None:
        await _run(lambda: check_password(password, _nobody()))
        return False
    return await _run(lambda: check_password(password, encoded))
