"""What the console shows of a process, taken from its metrics: totals since it started, and how things stand now."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from api.console.system.exposition import Sample

# What asks for these is the console itself, an orchestrator or Prometheus; nobody wants to watch that.
NOT_COUNTED = ("metrics", "traces", "health/", "system/state/")


class Worker(msgspec.Struct):
    """A process that serves; `started` in seconds since 1970."""

    pid: int
    started: float


class Figures(msgspec.Struct):
    """Numbers of one process, or of the workers behind one port together.

    `*_buckets` are counts of what took at most so many seconds, by that bound (`+Inf` for all). The event loop's lag is
    that of the worst worker.
    """

    requests: float = 0
    errors: float = 0
    in_progress: float = 0
    request_buckets: dict[str, float] = {}
    lag_seconds: float = 0
    pool_connections: float = 0
    pool_in_use: float = 0
    pool_waiting: float = 0
    pool_waits: float = 0
    pool_wait_seconds: float = 0
    pool_refused: float = 0
    sockets: float = 0
    rooms: float = 0
    members: float = 0
    posted: float = 0
    deliveries: float = 0
    delivery_buckets: dict[str, float] = {}
    fills: float = 0
    gaps: float = 0
    publishes_failed: float = 0
    closed_slow: float = 0
    workers: list[Worker] = []


_PLAIN = {
    "millrace_http_requests_in_progress": "in_progress",
    "millrace_event_loop_lag_seconds": "lag_seconds",
    "millrace_pool_connections": "pool_connections",
    "millrace_pool_connections_in_use": "pool_in_use",
    "millrace_pool_waiting": "pool_waiting",
    "millrace_pool_waits_total": "pool_waits",
    "millrace_pool_wait_seconds_total": "pool_wait_seconds",
    "millrace_pool_refused_total": "pool_refused",
    "millrace_sockets": "sockets",
    "millrace_hub_rooms": "rooms",
    "millrace_hub_members": "members",
    "millrace_hub_deliveries_total": "deliveries",
    "millrace_hub_fills_total": "fills",
    "millrace_bus_gaps_total": "gaps",
}


def figures_of(samples: Iterable[Sample]) -> Figures:
    """The figures of a process by its metrics; what it does not export is 0."""
    figures = Figures(request_buckets=defaultdict(float), delivery_buckets={}, workers=[])
    for sample in samples:
        if field := _PLAIN.get(sample.name):
            setattr(figures, field, sample.value)
        elif take := _TAKEN.get(sample.name):
            take(figures, sample)
    return figures


def _requests(figures: Figures, sample: Sample) -> None:
    if not sample.labels["route"].startswith(NOT_COUNTED):
        figures.requests += sample.value
        figures.errors += sample.value if sample.labels["status"] >= "500" else 0


def _request_bucket(figures: Figures, sample: Sample) -> None:
    if not sample.labels["route"].startswith(NOT_COUNTED):
        figures.request_buckets[sample.labels["le"]] += sample.value


def _delivery_bucket(figures: Figures, sample: Sample) -> None:
    figures.delivery_buckets[sample.labels["le"]] = sample.value


def _published(figures: Figures, sample: Sample) -> None:
    if sample.labels["event"] == "room.message":
        figures.posted += sample.value
    if sample.labels["result"] != "sent":
        figures.publishes_failed += sample.value


def _closed(figures: Figures, sample: Sample) -> None:
    if sample.labels["code"] == "4013":
        figures.closed_slow += sample.value


def _worker(figures: Figures, sample: Sample) -> None:
    figures.workers.append(Worker(int(sample.labels["process"]), sample.value))


_TAKEN: dict[str, Callable[[Figures, Sample], None]] = {
    "millrace_http_requests_total": _requests,
    "millrace_http_request_seconds_bucket": _request_bucket,
    "millrace_hub_delivery_seconds_bucket": _delivery_bucket,
    "millrace_bus_publishes_total": _published,
    "millrace_socket_closes_total": _closed,
    "millrace_process_started_seconds": _worker,
}
