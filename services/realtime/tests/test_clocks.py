"""Processes whose clocks differ by an hour: PostgreSQL judges credentials, Redis judges presence.

A process gets another clock from libfaketime, which is a package of the system: `deploy/faketime` finds or installs it.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.db.models.functions import Now

from accounts import tickets, tokens
from accounts.models import AccessToken, Session, User, WebSocketTicket
from accounts.sessions import SessionStore
from chassis.testing import in_section
from realtime.close_codes import CloseCode
from rooms.access import RoomAccess

from .conftest import sign_in
from .processes import Client, Process, client, database_url, running

pytestmark = pytest.mark.timeout(180)
ROOT = Path(__file__).parents[3]
ORIGIN = "http://localhost:8000"
LEASE = 3
ENV = {"ALLOWED_ORIGINS": ORIGIN, "RECHECK_SECONDS": "0.3", "PRESENCE_LEASE": str(LEASE)}


def wrong_clock(skew: str) -> dict[str, str]:
    """Variables that make the wall clock of a process wrong by `skew`; durations stay right."""
    found = subprocess.run([ROOT / "deploy/faketime", "--find"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        hint = "libfaketime is not installed: run deploy/faketime as root, or install your system's faketime package"
        # Continuous integration must not lose a test without saying so.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(hint)
    return {"LD_PRELOAD": found.stdout.strip(), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture(scope="module", params=["+1h", "-1h"])
def clock(request: pytest.FixtureRequest) -> dict[str, str]:
    """A clock that is wrong."""
    return wrong_clock(request.param)


@pytest_asyncio.fixture(scope="module")
async def wrong(clock: dict[str, str], _test_database: None) -> AsyncIterator[Process]:
    """A process with that clock."""
    async with running(**ENV, **clock) as process:
        yield process


@pytest_asyncio.fixture(scope="module")
async def right(_test_database: None) -> AsyncIterator[Process]:
    """A process with the clock of this machine."""
    async with running(**ENV) as process:
        yield process


async def issued(user: User, room: RoomAccess, clock: dict[str, str]) -> dict[str, str]:
    """What a process with another clock issues to `user`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, Path(__file__).with_name("issuing.py"), str(user.pk), room.name,
        env={**os.environ, **clock, "DATABASE_URL": database_url()}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await process.communicate()
    found: dict[str, str] = json.loads(printed)
    return found


async def by_ticket(stack: AsyncExitStack, process: Process, room: RoomAccess, secret: str) -> Client:
    """A socket that is opened with a ticket."""
    entered = client(process.port, room.name, subprotocols=["millrace.v1", f"ticket.{secret}"])
    return await stack.enter_async_context(entered)


async def by_cookie(stack: AsyncExitStack, process: Process, room: RoomAccess, key: str) -> Client:
    """A socket that is opened with a session."""
    entered = client(process.port, room.name, origin=ORIGIN, additional_headers={"Cookie": f"sessionid={key}"})
    return await stack.enter_async_context(entered)


def test_the_clock_is_wrong(clock: dict[str, str]) -> None:
    """Otherwise these tests would test nothing."""
    program = "import time; print(time.time())"
    shown = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **clock}, capture_output=True, text=True, check=True
    )
    now = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 3500 < abs(float(shown.stdout) - float(now.stdout)) < 3700


async def test_issued_here_and_used_there(wrong: Process, room: RoomAccess, ada: User) -> None:
    """A process with a wrong clock accepts what one with a right clock has issued, and keeps it."""
    key, (_, token) = await sign_in(ada), await in_section(tokens.issue(ada))
    async with AsyncExitStack() as stack:
        sockets = [
            await by_ticket(stack, wrong, room, await in_section(tickets.issue(ada, room.name))),
            await by_ticket(stack, wrong, room, await in_section(tickets.issue(ada, room.name, access_token=token))),
            await by_ticket(stack, wrong, room, await in_section(tickets.issue(ada, room.name, session_key=key))),
            await by_cookie(stack, wrong, room, key),
        ]
        await stays_ada(sockets)


async def test_issued_there_and_used_here(right: Process, clock: dict[str, str], room: RoomAccess, ada: User) -> None:
    """And the other way round."""
    found = await issued(ada, room, clock)
    assert (await in_section(tokens.find(found["token"]))) is not None
    ticket = await in_section(tickets.issue(ada, room.name, session_key=found["session"]))
    async with AsyncExitStack() as stack:
        sockets = [
            await by_ticket(stack, right, room, found["ticket"]),
            await by_ticket(stack, right, room, found["by_token"]),
            await by_ticket(stack, right, room, ticket),
            await by_cookie(stack, right, room, found["session"]),
        ]
        await stays_ada(sockets)


async def stays_ada(sockets: list[Client]) -> None:
    """All of these are Ada's, and are hers still after some rechecks."""
    for _ in range(2):
        for socket in sockets:
            posted = await socket.post("hello")
            assert (await message(socket, posted["seq"]))["username"] == "ada"
        await asyncio.sleep(0.7)


async def message(socket: Client, seq: int) -> dict[str, Any]:
    """The message with that number."""
    while (found := await socket.next("message"))["seq"] != seq:
        pass
    return found


async def test_lifetimes(clock: dict[str, str], room: RoomAccess, ada: User) -> None:
    """What a process with a wrong clock issues lasts exactly as long as what others issue."""
    await issued(ada, room, clock)
    now = Now()
    for rows, lifetime in (
        (WebSocketTicket.async_objects.filter(expires_at__gt=now), tickets.LIFETIME),
        (AccessToken.async_objects.filter(expires_at__gt=now), tokens.LIFETIME),
    ):
        late = rows.filter(expires_at__gt=now + lifetime)
        early = rows.filter(expires_at__gt=now + lifetime - timedelta(seconds=20))
        assert (await in_section(late.acount()), await in_section(early.acount()) > 0) == (0, True)
    two_weeks = Session.async_objects.filter(
        expire_date__lte=now + timedelta(days=14), expire_date__gt=now + timedelta(days=14, seconds=-20)
    )
    assert await in_section(two_weeks.acount()) == 1


async def test_expired(wrong: Process, right: Process, room: RoomAccess, ada: User) -> None:
    """What has expired is refused by both."""
    past = Now() - timedelta(seconds=1)
    for process in (wrong, right):
        secret, key = await in_section(tickets.issue(ada, room.name)), await sign_in(ada)
        await in_section(WebSocketTicket.async_objects.all().aupdate(expires_at=past))
        await in_section(Session.async_objects.all().aupdate(expire_date=past))
        async with AsyncExitStack() as stack:
            refused = await by_ticket(stack, process, room, secret)
            assert await refused.closed() == CloseCode.NOT_SIGNED_IN
            guest = await by_cookie(stack, process, room, key)
            posted = await guest.post("hello")
            assert (await message(guest, posted["seq"]))["username"].startswith("guest-")
    assert await in_section(SessionStore(key).aload()) == {}


async def guest(stack: AsyncExitStack, process: Process, room: RoomAccess) -> tuple[Client, str, int]:
    """A guest who is in the room: the client, their name, and how many people they found there."""
    entered = await stack.enter_async_context(client(process.port, room.name))
    found = await entered.next("presence")
    posted = await entered.post("here")
    name: str = (await message(entered, posted["seq"]))["username"]
    return entered, name, found["count"]


async def test_presence(clock: dict[str, str], room: RoomAccess) -> None:
    """A live member stays, in whatever process; one whose process was killed is gone after the lease, for all."""
    async with AsyncExitStack() as stack:
        wrong = await stack.enter_async_context(running(**ENV, **clock))
        right = await stack.enter_async_context(running(**ENV))
        observer, _, _ = await guest(stack, right, room)
        _, in_wrong, _ = await guest(stack, wrong, room)
        _, in_right, _ = await guest(stack, right, room)
        # Longer than a lease, with several renewals of both processes.
        await asyncio.sleep(1.5 * LEASE)
        here, _, count = await guest(stack, wrong, room)
        assert count == 4
        doomed = await stack.enter_async_context(running(**ENV))
        _, lost, count = await guest(stack, doomed, room)
        assert count == 5
        doomed.process.kill()
        # If a live member had been taken for gone, its departure would have come first.
        for socket in (observer, here):
            assert (await socket.next("user_leave"))["username"] == lost
        wrong.process.kill()
        left = {(await observer.next("user_leave"))["username"] for _ in range(2)}
        assert (in_wrong in left, in_right in left) == (True, False)
        _, _, count = await guest(stack, right, room)
        assert count == 3
