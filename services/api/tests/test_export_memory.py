"""The export of a large table, by a real server process: its memory stays flat."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from django.conf import settings

from accounts.models import User
from chassis import database
from testing.people import bearer
from testing.ports import free_port
from testing.waiting import DEADLINE, eventually

USERS = 200_000
LIMIT_MIB = 50
START_SECONDS = 90
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def resident_mib(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


@pytest_asyncio.fixture
async def many_users(user: User) -> User:
    """`USERS` more users than Ada."""
    async with database.connection(deadline=DEADLINE) as connection, await connection.cursor() as cursor:
        await cursor.execute(
            "INSERT INTO accounts_user (username, email, password, first_name, last_name, is_staff, is_superuser,"
            " is_active, date_joined) SELECT 'user-' || n, 'user-' || n || '@example.org', '!', '', '', false, false,"
            " true, now() FROM generate_series(1, %s) n",
            (USERS,),
        )
    return user


@pytest_asyncio.fixture
async def server(database: None) -> AsyncIterator[tuple[str, int]]:
    """The api as a process of its own, on the test database: its URL and pid."""
    port = free_port()
    db = settings.DATABASES["default"]
    auth = f"{db['USER']}:{db['PASSWORD']}" if db["PASSWORD"] else db["USER"]
    url = f"postgresql://{auth}@{db['HOST']}:{db['PORT']}/{db['NAME']}"
    environment = {**os.environ, "PORT": str(port), "WEB_CONCURRENCY": "1", "DATABASE_URL": url, "HTTPS_ONLY": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/health/startup")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(ready, within=START_SECONDS, what="the server answers")
    yield f"http://127.0.0.1:{port}", process.pid
    process.terminate()
    await process.wait()


async def test_export_of_a_large_table(many_users: User, server: tuple[str, int]) -> None:
    """All users arrive, a JSON object a line, while the server grows by less than 50 MiB."""
    url, pid = server
    idle = resident_mib(pid)
    grown, lines, last = 0.0, 0, ""
    async with httpx.AsyncClient(base_url=url, headers=await bearer(many_users), timeout=60) as client:
        async with client.stream("GET", "/api/users/export/") as response:
            async for line in response.aiter_lines():
                lines, last = lines + 1, line
                if lines % 5000 == 0:
                    grown = max(grown, resident_mib(pid) - idle)
    assert lines == USERS + 1
    assert json.loads(last)["username"] == f"user-{USERS}"
    assert grown < LIMIT_MIB


async def test_reader_that_goes(many_users: User, server: tuple[str, int]) -> None:
    """A client that closes its connection ends the export: the server stops asking the database."""
    url, _ = server
    async with httpx.AsyncClient(base_url=url, headers=await bearer(many_users), timeout=60) as client:
        async with client.stream("GET", "/api/users/export/") as response:
            await anext(response.aiter_lines())

        async def idle() -> bool:
            return "millrace_http_requests_in_progress 1.0" in (await client.get("/metrics")).text

        await eventually(idle, what="only the metrics request itself is in progress")
