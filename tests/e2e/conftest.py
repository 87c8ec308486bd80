"""Fixtures: the stack, clients that are nobody, somebody and staff, and ways into rooms."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial

import httpx
import pytest
import pytest_asyncio
from tests.e2e import people, sockets
from tests.e2e.people import NewPerson, Person
from tests.e2e.sockets import ChatSocket
from tests.e2e.stack import Stack, from_environment, wait_until_up

type OpenSocket = Callable[..., AbstractAsyncContextManager[ChatSocket]]


def pytest_configure(config: pytest.Config) -> None:
    """The quick part, which every ASGI server must pass."""
    config.addinivalue_line("markers", "smoke: quick tests of the api that pass under every ASGI server")


@pytest_asyncio.fixture(scope="session", autouse=True)
async def stack(request: pytest.FixtureRequest) -> Stack:
    """The deployment under test; ends the run with one sentence where it is not there."""
    found = from_environment()
    # The smoke part is run against an api under another ASGI server, which needs no realtime service beside it.
    missing = await wait_until_up(found, sockets=request.config.getoption("markexpr") != "smoke")
    if missing:
        pytest.exit(f"The stack is not reachable: {'; '.join(missing)}. `make run` starts one.", returncode=3)
    return found


@pytest_asyncio.fixture(scope="session")
async def anyone(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody: no token, and no cookie that a test could leave to the next one."""
    async with people.api_client(stack) as client:
        yield client
        assert not client.cookies, "a test signed in with the shared client; use api_client"


@pytest_asyncio.fixture(scope="session")
async def upstream_client(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The mock upstream's control."""
    async with httpx.AsyncClient(base_url=stack.upstream, timeout=people.TIMEOUT) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def staff(stack: Stack) -> AsyncIterator[Person]:
    """The demo's staff user."""
    async with people.signed_in(stack, stack.staff) as person:
        yield person


@pytest_asyncio.fixture(scope="session")
async def new_person(stack: Stack, staff: Person) -> AsyncIterator[NewPerson]:
    """Makes people; they are deleted when the run ends."""
    async with AsyncExitStack() as everybody:

        async def make(prefix: str) -> Person:
            return await everybody.enter_async_context(people.newcomer(stack, staff, prefix))

        yield make


@pytest_asyncio.fixture(scope="session")
async def alice(new_person: NewPerson) -> Person:
    """Somebody whom tests share, so none may sign her out, rename or delete her."""
    return await new_person("alice")


@pytest_asyncio.fixture(scope="session")
async def bob(new_person: NewPerson) -> Person:
    """Somebody else, shared like alice."""
    return await new_person("bob")


@pytest.fixture(scope="session")
def enter(stack: Stack) -> OpenSocket:
    """Opens a socket: `enter(room, entry, query)`, on the shared address."""
    return partial(sockets.open_socket, stack.realtime)


@pytest.fixture(scope="session")
def enter_first(stack: Stack) -> OpenSocket:
    """The same on one realtime process."""
    return partial(sockets.open_socket, stack.realtime_processes[0])


@pytest.fixture(scope="session")
def enter_second(stack: Stack) -> OpenSocket:
    """The same on another realtime process."""
    return partial(sockets.open_socket, stack.realtime_processes[1])
