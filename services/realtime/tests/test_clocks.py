"""Processes whose clocks differ by an hour: PostgreSQL judges credentials, Redis judges presence.

A process gets another clock from libfaketime, a package of the system: `scripts/faketime` finds or installs it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.db.models.functions import Now

from accounts import tickets, tokens
from accounts.models import AccessToken, Session, User, WebSocketTicket
from accounts.sessions import SessionStore
from chassis import database as db
from realtime.close_codes import CloseCode
from rooms.access import RoomAccess
from testing.database import in_scope
from testing.people import sign_in
from testing.waiting import eventually

from .leases import LEASE, LEASE_ENV, leases, now_of, run_out
from .processes import ADJUSTED, DEADLINE, Client, Process, all_running, client, database_url

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ROOT = Path(__file__).parents[3]
ORIGIN = "http://localhost:8000"
ENV = {"ALLOWED_ORIGINS": ORIGIN, "RECHECK_SECONDS": "0.1", **LEASE_ENV}


def wrong_clock(skew: str) -> dict[str, str]:
    """Variables that make the wall clock of a process wrong by `skew`; durations stay right."""
    found = subprocess.run([ROOT / "scripts/faketime", "--find"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        hint = "libfaketime is not installed: run scripts/faketime as root, or install your system's faketime package"
        # Continuous integration must not lose a test without saying so.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(hint)
    return {"LD_PRELOAD": found.stdout.strip(), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture(scope="module", params=["+1h", "-1h"])
def clock(request: pytest.FixtureRequest) -> dict[str, str]:
    """A clock that is wrong."""
    return wrong_clock(request.param)


@pytest_asyncio.fixture(scope="module")
async def both(clock: dict[str, str], _test_database: None) -> AsyncIterator[list[Process]]:
    """A process with that clock, and one with the clock of this machine."""
    async with all_running(ENV | clock, ENV, program=ADJUSTED) as processes:
        yield processes


@pytest.fixture
def wrong(both: list[Process]) -> Process:
    """The one with the wrong clock."""
    return both[0]


@pytest.fixture
def right(both: list[Process]) -> Process:
    """The one with the clock of this machine."""
    return both[1]


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
    skew = {"+1h": 3600, "-1h": -3600}[clock["FAKETIME"]]
    program = [sys.executable, "-c", "import time; print(time.time())"]
    before = time.time()
    shown = subprocess.run(program, env={**os.environ, **clock}, capture_output=True, text=True, check=True)
    # The library's own rounding may take a second.
    assert before - 1 <= float(shown.stdout) - skew <= time.time() + 1


async def test_issued_here_and_used_there(wrong: Process, room: RoomAccess, ada: User) -> None:
    """A process with a wrong clock accepts what one with a right clock has issued, and keeps it."""
    key, (_, token) = await sign_in(ada), await in_scope(tokens.issue(ada))
    async with AsyncExitStack() as stack:
        sockets = [
            await by_ticket(stack, wrong, room, await in_scope(tickets.issue(ada, room.name))),
            await by_ticket(stack, wrong, room, await in_scope(tickets.issue(ada, room.name, access_token=token))),
            await by_ticket(stack, wrong, room, await in_scope(tickets.issue(ada, room.name, session_key=key))),
            await by_cookie(stack, wrong, room, key),
        ]
        await stays_ada(stack, wrong, sockets, room, ada)


async def test_issued_there_and_used_here(right: Process, clock: dict[str, str], room: RoomAccess, ada: User) -> None:
    """And the other way round."""
    found = await issued(ada, room, clock)
    assert (await in_scope(tokens.find(found["token"]))) is not None
    ticket = await in_scope(tickets.issue(ada, room.name, session_key=found["session"]))
    async with AsyncExitStack() as stack:
        sockets = [
            await by_ticket(stack, right, room, found["ticket"]),
            await by_ticket(stack, right, room, found["by_token"]),
            await by_ticket(stack, right, room, ticket),
            await by_cookie(stack, right, room, found["session"]),
        ]
        await stays_ada(stack, right, sockets, room, ada)


async def stays_ada(
    stack: AsyncExitStack, process: Process, sockets: list[Client], room: RoomAccess, ada: User
) -> None:
    """All of these are Ada's, and are hers still after some rechecks of all sockets of the process."""
    for _ in range(2):
        for socket in sockets:
            posted = await socket.post("hello")
            assert (await message(socket, posted["seq"]))["username"] == "ada"
        # A recheck is over when it has found the one socket whose token is gone, which no event told.
        _, token = await in_scope(tokens.issue(ada))
        secret = await in_scope(tickets.issue(ada, room.name, access_token=token))
        canary = await by_ticket(stack, process, room, secret)
        await canary.next("synced")
        await in_scope(AccessToken.async_objects.filter(pk=token.pk).adelete())
        assert await canary.closed() == CloseCode.NOT_SIGNED_IN
    for socket in sockets:
        await socket.post("still here")


async def message(socket: Client, seq: int) -> dict[str, Any]:
    """The message with that number."""
    while (found := await socket.next("message"))["seq"] != seq:
        pass
    return found


async def test_lifetimes(clock: dict[str, str], room: RoomAccess, ada: User) -> None:
    """What a process with a wrong clock issues lasts exactly as long as what others issue."""
    before = await database_now()
    await issued(ada, room, clock)
    after = await database_now()
    for rows, lifetime in (
        (WebSocketTicket.async_objects.values_list("expires_at", flat=True), tickets.LIFETIME),
        (AccessToken.async_objects.values_list("expires_at", flat=True), tokens.LIFETIME),
        (Session.async_objects.values_list("expire_date", flat=True), timedelta(days=14)),
    ):
        ends = await in_scope(all_of(rows))
        assert ends
        assert all(before + lifetime <= end <= after + lifetime for end in ends)


async def database_now() -> datetime:
    """The time by PostgreSQL."""
    rows = await in_scope(db.fetch_all("SELECT clock_timestamp()"))
    found: datetime = rows[0][0]
    return found


async def all_of(rows: Any) -> list[datetime]:
    """The rows of a query."""
    return [row async for row in rows]


async def test_expired(wrong: Process, right: Process, room: RoomAccess, ada: User) -> None:
    """What has expired is refused by both."""
    past = Now() - timedelta(seconds=1)
    for process in (wrong, right):
        secret, key = await in_scope(tickets.issue(ada, room.name)), await sign_in(ada)
        await in_scope(WebSocketTicket.async_objects.all().aupdate(expires_at=past))
        await in_scope(Session.async_objects.all().aupdate(expire_date=past))
        async with AsyncExitStack() as stack:
            refused = await by_ticket(stack, process, room, secret)
            assert await refused.closed() == CloseCode.NOT_SIGNED_IN
            guest = await by_cookie(stack, process, room, key)
            posted = await guest.post("hello")
            assert (await message(guest, posted["seq"]))["username"].startswith("guest-")
    assert await in_scope(SessionStore(key).aload()) == {}


async def guest(stack: AsyncExitStack, process: Process, room: RoomAccess) -> tuple[Client, str, int]:
    """A guest who is in the room: the client, their name, and how many people they found there."""
    entered = await stack.enter_async_context(client(process.port, room.name))
    found = await entered.next("presence")
    posted = await entered.post("here")
    name: str = (await message(entered, posted["seq"]))["username"]
    return entered, name, found["count"]


async def test_presence(both: list[Process], clock: dict[str, str], room: RoomAccess, clean_redis: Any) -> None:
    """Live members stay, in whatever process; those of killed processes are gone after the lease, for all."""
    wrong, right = both
    async with AsyncExitStack() as stack:
        doomed = await stack.enter_async_context(all_running(ENV | clock, ENV, program=ADJUSTED))
        watchers = [await guest(stack, process, room) for process in (right, wrong)]
        alive = await leases(clean_redis, room)
        gone = [await guest(stack, process, room) for process in doomed]
        assert gone[-1][2] == 4
        left_behind = (await leases(clean_redis, room)).keys() - alive.keys()
        await renewed(clean_redis, room, alive)
        for process in doomed:
            process.process.kill()
            await process.ended()
        await run_out(clean_redis, room, left_behind)
        seen = [[await watcher.next("user_leave") for _ in doomed] for watcher, _, _ in watchers]
        _, name, count = await guest(stack, right, room)
        assert count == 3
        # A live member who had been taken for gone would have been told to leave before the next one comes.
        for (watcher, _, _), frames in zip(watchers, seen, strict=True):
            until_next = [*frames, *await watcher.until("user_join", name)]
            left = [frame["username"] for frame in until_next if frame["type"] == "user_leave"]
            assert sorted(left) == sorted(name for _, name, _ in gone)


async def renewed(redis: Any, room: RoomAccess, before: dict[str, float]) -> None:
    """Wait until each of the leases was renewed; all of them end within the lease by the clock of Redis."""

    async def later() -> bool:
        ends = await leases(redis, room)
        return all(ends[member] > end for member, end in before.items())

    await eventually(later, within=DEADLINE, what="every lease was renewed")
    earliest, ends = await now_of(redis), await leases(redis, room)
    latest = await now_of(redis) + LEASE
    assert all(earliest < end <= latest for end in ends.values())
