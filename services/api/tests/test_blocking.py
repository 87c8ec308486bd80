"""Async code that blocks is an error: every async endpoint runs with a detector that raises at the blocking call.

ruff's ASYNC rules find the same in our own source, but not what a library does.
"""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from blockbuster import BlockBuster, BlockingError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.models import User
from api import urls

from .upstream import Upstream, running

PATHS = {
    "/health/": 200,
    "/health/ready": 200,
    "/health/startup": 200,
    "/api/async/?delay=0": 200,
    "/api/async/?delay=-1": 400,
    "/api/sync/?delay=0.001": 200,
    "/api/mode/": 200,
    "/api/items/": 200,
    "/api/external/": 200,
    "/api/external/sync/": 200,
    "/api/external/gather/": 200,
    "/api/gather/": 200,
    "/api/robust/": 200,
    "/api/robust/?fail=expected": 400,
    "/api/robust/?fail=unexpected": 500,
    "/api/orm/": 200,
    "/api/users/": 200,
    "/api/users/export/": 200,
    "/api/users/{ada}/": 200,
    "/api/users/{ada}/detail/": 200,
    "/api/articles/": 200,
    "/api/articles/nothing/": 404,
    "/api/me/": 200,
    "/api/rooms/": 200,
    "/api/rooms/nowhere/messages/": 404,
    "/nowhere/": 404,
}


async def blocking(request: HttpRequest) -> HttpResponse:
    """Mistake 2: blocking code in an async view."""
    time.sleep(0.001)  # noqa: ASYNC251 - the mistake that the test has to catch
    return HttpResponse()


urlpatterns = [path("blocking/", blocking), *urls.urlpatterns]
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """A healthy upstream."""
    with running() as upstream:
        yield upstream


@pytest_asyncio.fixture
async def warm(
    user_client: httpx.AsyncClient, user: User, upstream: Upstream, settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has imported and connected whatever a first request does."""
    settings.UPSTREAM_URL = upstream.url
    settings.ROOT_URLCONF = __name__
    for warm_path in PATHS:
        await user_client.get(warm_path.format(ada=user.pk))
    yield user_client


async def test_nothing_blocks(
    warm: httpx.AsyncClient, user: User, no_blocking: BlockBuster, caplog: pytest.LogCaptureFixture
) -> None:
    """No endpoint makes a blocking call on the event loop, whatever it answers."""
    assert {path: (await warm.get(path.format(ada=user.pk))).status_code for path in PATHS} == PATHS
    errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert not [error for error in errors if isinstance(error, BlockingError)]


async def test_the_detector_detects(
    warm: httpx.AsyncClient, no_blocking: BlockBuster, caplog: pytest.LogCaptureFixture
) -> None:
    """The check itself works: a view that sleeps on the event loop fails."""
    assert (await warm.get("/blocking/")).status_code == 500
    (error,) = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert isinstance(error, BlockingError)
