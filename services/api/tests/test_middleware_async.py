"""The async path stays free of threads: no middleware, no signal and no view takes a request to one."""

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from asgiref.sync import iscoroutinefunction
from django.conf import settings as django_settings
from django.core import signals
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from async_handler.sync_pool import sync_pool
from chassis.middleware import AsyncMiddleware, GetResponse

from .upstream import running


def not_async(paths: list[str]) -> list[str]:
    """Those of `paths` that Django would run on a thread, or could."""

    async def respond(request: HttpRequest) -> HttpResponseBase:
        raise NotImplementedError

    wrong = []
    for path in paths:
        middleware = import_string(path)
        if not (
            isinstance(middleware, type)
            and issubclass(middleware, AsyncMiddleware)
            and middleware.async_capable
            and not middleware.sync_capable
            and iscoroutinefunction(middleware(respond))
        ):
            wrong.append(path)
    return wrong


class SyncMiddleware:
    """Mistake 5: Django's default, which takes every request to a thread and back."""

    def __init__(self, get_response: GetResponse) -> None:
        """As Django makes it."""


class HybridMiddleware(MiddlewareMixin):
    """Async-capable, and yet its hooks run on a thread."""

    def process_request(self, request: HttpRequest) -> None:
        """A hook."""


def test_all_middleware_is_async() -> None:
    """Every middleware is one of ours, async and nothing else."""
    assert not_async(django_settings.MIDDLEWARE) == []


@pytest.mark.parametrize("middleware", [SyncMiddleware, HybridMiddleware])
def test_the_check_detects(middleware: type) -> None:
    """The check itself works: synchronous and hybrid middleware are found."""
    path = f"{__name__}.{middleware.__name__}"
    assert not_async([*django_settings.MIDDLEWARE, path]) == [path]


@pytest.mark.parametrize("signal", ["request_started", "request_finished"])
async def test_no_synchronous_signal_receiver(client: httpx.AsyncClient, signal: str) -> None:
    """A synchronous receiver of a request signal would take every request to a thread."""
    synchronous = [receiver for *_, receiver, _, is_async in _receivers(signal) if not is_async]
    assert synchronous == []


def _receivers(signal: str) -> list[tuple[Any, ...]]:
    return list(getattr(signals, signal).receivers)


class _Starts:
    counting = False
    count = 0


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    # One name before Python 3.13, the other since.
    if _Starts.counting and event in {"_thread.start_new_thread", "_thread.start_joinable_thread"}:
        _Starts.count += 1


# An audit hook sees every start, whoever asks for it, and replaces nothing; it cannot be removed, only told to ignore.
sys.addaudithook(_on_audit)


@contextmanager
def counted_starts() -> Iterator[type[_Starts]]:
    """Count the threads started in the block; the executors are new, so that a visit to a thread has to start one."""
    sync_pool.cache_clear()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    _Starts.count, _Starts.counting = 0, True
    try:
        yield _Starts
    finally:
        _Starts.counting = False


ASYNC_PATHS = ["/health/", "/api/async/?delay=0", "/api/items/", "/api/gather/", "/api/users/"]


async def test_async_requests_start_no_thread(user_client: httpx.AsyncClient, settings: Any) -> None:
    """50 requests to async endpoints, database and upstream included, start and visit no thread."""
    with running() as upstream:
        settings.UPSTREAM_URL = upstream.url
        for path in ASYNC_PATHS:
            assert (await user_client.get(path)).status_code == 200
        with counted_starts() as starts:
            for _ in range(10):
                for path in ASYNC_PATHS:
                    await user_client.get(path)
        assert starts.count == 0


async def test_the_count_counts(client: httpx.AsyncClient) -> None:
    """The check itself works: a synchronous view starts a thread of the pool."""
    with counted_starts() as starts:
        assert (await client.get("/api/sync/?delay=0")).status_code == 200
    assert starts.count == 1
