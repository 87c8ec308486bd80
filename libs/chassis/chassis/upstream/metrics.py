"""What becomes of the calls to each upstream, in Prometheus' terms."""

from functools import cache
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from chassis.upstream.breaker import State

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10)
_AGES = (0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600)
_STATES: dict[State, float] = {"closed": 0, "half-open": 0.5, "open": 1}

Attempt = Literal["first", "retry", "hedge"]
Refused = Literal["retry", "hedge"]

CALLS = Counter(
    "millrace_upstream_calls_total",
    "Calls by what became of them; source is where the answer came from, or none",
    ["upstream", "status", "source"],
)
CALL_SECONDS = Histogram(
    "millrace_upstream_call_seconds", "Time of a call, all its attempts together", ["upstream"], buckets=_SECONDS
)
ATTEMPTS = Counter("millrace_upstream_attempts_total", "Requests that were sent", ["upstream", "kind"])
REFUSED = Counter("millrace_upstream_refused_total", "Retries and hedges without a budget", ["upstream", "kind"])
COALESCED = Counter("millrace_upstream_coalesced_total", "Calls that shared another one's answer", ["upstream"])
AGE_SECONDS = Histogram("millrace_upstream_age_seconds", "Age of copies that served", ["upstream"], buckets=_AGES)
BREAKER = Gauge(
    "millrace_upstream_breaker",
    "0 closed, 0.5 half-open, 1 open; the worst of all processes",
    ["upstream"],
    multiprocess_mode="livemax",
)


class Meter:
    """The metrics of one upstream; labels are looked up once, as that costs more than counting."""

    def __init__(self, upstream: str) -> None:
        self._call = cache(lambda status, source: CALLS.labels(upstream, status, source).inc)
        self._attempt = cache(lambda kind: ATTEMPTS.labels(upstream, kind).inc)
        self._refused = cache(lambda kind: REFUSED.labels(upstream, kind).inc)
        self._seconds = CALL_SECONDS.labels(upstream).observe
        self._age = AGE_SECONDS.labels(upstream).observe
        self._breaker = BREAKER.labels(upstream).set
        self.coalesced = COALESCED.labels(upstream).inc

    def call(self, status: str, source: str | None, seconds: float, age: float | None) -> None:
        """A call is over."""
        self._call(status, source or "none")()
        self._seconds(seconds)
        if age:
            self._age(age)

    def attempt(self, kind: Attempt) -> None:
        """A request goes out."""
        self._attempt(kind)()

    def refused(self, kind: Refused) -> None:
        """One did not, as too many did."""
        self._refused(kind)()

    def breaker(self, state: State) -> None:
        """The breaker's new state."""
        self._breaker(_STATES[state])
