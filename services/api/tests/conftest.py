"""Fixtures of the api's suite: clients that are nobody, a user, and staff."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from accounts.models import User
from api.asgi import application
from api.gather.legs import upstreams
from api.tour import httpx_client
from chassis import http_client
from chassis.upstream import shared
from testing.people import bearer, make_user, sign_in
from testing.ports import refusing_port
from testing.starts import Starts
from testing.waiting import DEADLINE

from .upstream import Upstream, running

pytest_plugins = ["testing.database", "testing.asgi", "testing.people"]

type MakeClient = Callable[..., httpx.AsyncClient]


@pytest_asyncio.fixture
async def client(database: None, make_client: MakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody."""
    async with make_client(application) as client:
        yield client


@pytest_asyncio.fixture
async def user(database: None) -> User:
    """An ordinary user, `ada`."""
    return await make_user("ada")


@pytest_asyncio.fixture
async def staff(database: None) -> User:
    """A staff user, `grace`."""
    return await make_user("grace", is_staff=True)


@pytest_asyncio.fixture
async def user_client(user: User, make_client: MakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """Ada, by token."""
    async with make_client(application, headers=await bearer(user)) as client:
        yield client


@pytest.fixture(autouse=True)
def new_to_the_upstream(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test knows what another one's upstream did: no open breaker, no spent budget, no copy in Redis.

    Legs may take longer than any busy machine needs, and Redis too.
    """
    upstreams.cache_clear()
    # Copies that an earlier test wanted to share would be written under the name of this one.
    shared._waiting.clear()
    monkeypatch.setattr(shared, "prefix", f"upstream-{uuid.uuid4().hex}")
    monkeypatch.setattr(shared, "patience", DEADLINE)
    settings.GATHER_DEADLINE_MS, settings.GATHER_LEG_TIMEOUT_MS = 30_000, 25_000
    yield
    upstreams.cache_clear()


@pytest.fixture(scope="session")
def starts() -> Iterator[Starts]:
    """An interpreter for all cases of malformed settings."""
    starts = Starts()
    yield starts
    starts.close()


@pytest.fixture
def unused_url() -> Iterator[str]:
    """An address that refuses connections during the test."""
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def process_of_upstream() -> Iterator[Upstream]:
    """One mock-upstream a module: a new address, so no connection is left from the tests of another."""
    with running() as upstream:
        yield upstream


@pytest_asyncio.fixture
async def upstream(
    process_of_upstream: Upstream, process: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Upstream]:
    """The upstream that the api calls, without faults, counts and connections; no copy hides what it does."""
    await process_of_upstream.reset()
    close_idle_connections()
    monkeypatch.setattr(httpx_client.client(), "timeout", httpx.Timeout(DEADLINE))
    settings.UPSTREAM_URL = process_of_upstream.url
    settings.GATHER_WITHOUT = ["fresh", "stale"]
    yield process_of_upstream


def close_idle_connections() -> None:
    """Those that an earlier test has opened would be used, and counted, instead of new ones."""
    connector = http_client.client().connector
    assert connector is not None
    for idle in connector._conns.values():
        for protocol, _ in idle:
            protocol.close()
    connector._conns.clear()


@pytest_asyncio.fixture
async def staff_client(staff: User, make_client: MakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """Grace, by token."""
    async with make_client(application, headers=await bearer(staff)) as client:
        yield client


async def signed_in_by_cookie(client: httpx.AsyncClient, user: User, settings: Any) -> None:
    """Give `client` a session of `user`, and the CSRF token that its writes need; over plain HTTP."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    client.cookies.set("sessionid", await sign_in(user))
    client.headers["X-CSRFToken"] = (await client.get("/api/me/")).json()["csrf_token"]


@pytest_asyncio.fixture
async def session_client(user: User, make_client: MakeClient, settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Ada, by session cookie and CSRF token, over plain HTTP."""
    async with make_client(application) as client:
        await signed_in_by_cookie(client, user, settings)
        yield client
