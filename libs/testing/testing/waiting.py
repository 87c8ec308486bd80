"""Waiting for what must happen, as long as a busy machine needs."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

# Seconds for what must happen, on a machine that is busy: half of what a test may take.
DEADLINE = 30


async def eventually(
    condition: Callable[[], Awaitable[bool] | bool], *, within: float = DEADLINE, what: str = ""
) -> None:
    """Wait until `condition` holds; fails the test after `within` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        outcome = condition()
        if await outcome if isinstance(outcome, Awaitable) else outcome:
            return
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"not within {within} s: {what or condition}")
        await asyncio.sleep(0.01)
