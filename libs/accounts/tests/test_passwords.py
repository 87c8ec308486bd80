"""Argon2: right, bounded, and the same work for a user that does not exist."""

import asyncio
import threading
from collections import Counter

import pytest
from django.contrib.auth.hashers import make_password

from accounts import passwords
from chassis.errors import TooManyRequests
from testing.waiting import eventually


@pytest.fixture(scope="module")
def encoded() -> str:
    """One hash for all tests here: it takes longer than most of them."""
    return make_password("right")


async def test_hashing() -> None:
    """What was hashed is Argon2 and verifies."""
    encoded = await passwords.hash_password("right")
    assert encoded.startswith("argon2$")
    assert await passwords.verify_password("right", encoded)


async def test_a_wrong_password(encoded: str) -> None:
    """A wrong one does not."""
    assert not await passwords.verify_password("wrong", encoded)


async def test_nobodys_password() -> None:
    """Without a user no password is right, not even the one that is compared with."""
    assert not await passwords.verify_password("nobody has this password", None)


@pytest.mark.parametrize("exists", [True, False])
async def test_the_work_does_not_tell_who_exists(encoded: str, executor_work: Counter[str], exists: bool) -> None:
    """One check either way."""
    await passwords.verify_password("wrong", encoded if exists else None)
    assert executor_work == {"argon2": 1}


async def test_too_many_at_once(encoded: str) -> None:
    """Beyond the line's length the next is told to come back, and those in it are served."""
    places = passwords.WORKERS + passwords.MAX_WAITING
    hold = threading.Event()
    line = [asyncio.create_task(passwords._run(hold.wait)) for _ in range(places)]
    try:
        await eventually(lambda: passwords._places(asyncio.get_running_loop()).locked())
        with pytest.raises(TooManyRequests):
            await passwords.verify_password("right", encoded)
    finally:
        hold.set()
    assert await asyncio.gather(*line) == [True] * places
    assert await passwords.verify_password("right", encoded)


async def test_the_event_loop_goes_on_meanwhile(encoded: str) -> None:
    """Other work is done while a password is checked."""
    check = asyncio.create_task(passwords.verify_password("right", encoded))
    turns = 0
    while not check.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1
