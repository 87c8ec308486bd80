"""Prometheus metrics that every service has, and their `/metrics` page.

Where `PROMETHEUS_MULTIPROC_DIR` is set (several workers behind one port), the page adds up all processes that share
the directory; the variable has to be set before this module is imported.
"""

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from chassis.methods import READ, only

type Increment = Callable[[], None]
type Observe = Callable[[float], None]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter("millrace_http_requests_total", "HTTP requests answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("millrace_http_request_seconds", "Time to answer", ["method", "route"], buckets=_SECONDS)
IN_PROGRESS = Gauge("millrace_http_requests_in_progress", "Requests being answered", multiprocess_mode="livesum")
LOOP_LAG_SECONDS = Gauge(
    "millrace_event_loop_lag_seconds",
    "How late the event loop woke up, the worst of the last second",
    multiprocess_mode="livemax",
)
STARTED = Gauge(
    "millrace_process_started_seconds",
    "When each process began to serve, in seconds since 1970",
    # Not `pid`, which prometheus_client has for itself.
    ["process"],
    multiprocess_mode="livemax",
)


@contextlib.asynccontextmanager
async def process() -> AsyncIterator[None]:
    """A lifespan resource: says that this process serves, and since when; forgets those that were killed."""
    if directory := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        await asyncio.to_thread(_forget_the_dead, Path(directory))
    STARTED.labels(os.getpid()).set(time.time())
    yield


def _forget_the_dead(directory: Path) -> None:
    # What a killed worker had in progress would be in progress for ever; whoever takes its place comes by here.
    pids = {match[1] for file in directory.glob("gauge_live*.db") if (match := re.search(r"_(\d+)\.db$", file.name))}
    for pid in pids:
        try:
            # PermissionError: it is alive, and somebody else's.
            with contextlib.suppress(PermissionError):
                os.kill(int(pid), 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]


@only(*READ)
async def metrics(request: HttpRequest) -> HttpResponse:
    """`GET /metrics`, in Prometheus' text format."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
