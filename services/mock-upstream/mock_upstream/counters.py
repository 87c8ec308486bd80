"""What each endpoint has seen, so that a test can ask the upstream instead of trusting its client."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from mock_upstream.connection import Connection
from mock_upstream.data import RESOURCES
from mock_upstream.fault_board import EVERY

FAULTS = ("latency", "drip", "error", "hang", "reset", "truncate")


class EndpointCounters:
    """The counts of one endpoint since the last reset."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Start again from zero, except for the requests that are in flight now."""
        self.requests = self.connections = self.client_disconnects = 0
        self.max_in_flight = self.in_flight
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        # Weak: a benchmark opens a great many connections, and only living ones can come back.
        self._seen: WeakSet[Connection] = WeakSet()

    def enter(self, connection: Connection) -> None:
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        if connection not in self._seen:
            self._seen.add(connection)
            self.connections += 1

    def as_json(self) -> dict[str, object]:
        return {
            "requests": self.requests,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "faults": {name: self.faults[name] for name in FAULTS},
            "client_disconnects": self.client_disconnects,
            "connections": self.connections,
        }


class Tally:
    """One request, as it counts for its endpoint and for all of them."""

    def __init__(self, scopes: tuple[EndpointCounters, ...]) -> None:
        self._scopes = scopes

    def status(self, status: int) -> None:
        for scope in self._scopes:
            scope.statuses[status] += 1

    def fault(self, name: str) -> None:
        for scope in self._scopes:
            scope.faults[name] += 1

    def client_disconnected(self) -> None:
        for scope in self._scopes:
            scope.client_disconnects += 1


class Counters:
    """The counters of every endpoint, and under `*` of all together."""

    def __init__(self) -> None:
        self._endpoints = {name: EndpointCounters() for name in (*RESOURCES, EVERY)}

    @contextmanager
    def request(self, endpoint: str, connection: Connection) -> Iterator[Tally]:
        """Count a request, which is in flight until the block ends."""
        scopes = (self._endpoints[endpoint], self._endpoints[EVERY])
        for scope in scopes:
            scope.enter(connection)
        try:
            yield Tally(scopes)
        finally:
            for scope in scopes:
                scope.in_flight -= 1

    def reset(self) -> None:
        for counters in self._endpoints.values():
            counters.reset()

    def as_json(self) -> dict[str, object]:
        return {name: counters.as_json() for name, counters in self._endpoints.items()}
