"""Which failures of requests a fault explains, and which are findings."""

import pytest
from tests.chaos.availability import answers, by_service, unanswered
from tests.chaos.history import Event
from tests.chaos.measures import Window
from tests.chaos.replicas import KINDS, SERVICES


def request(t: float, method: str, path: str, code: int | None, took: float = 0.1) -> Event:
    return Event(t, "request", via=method, place=path, code=code, took=took)


def window(name: str) -> Window:
    """From 10 to 14 s, healed at 16 s."""
    return Window((name,), 10.0, 14.0, 16.0)


def found(event: Event, *windows: Window) -> int:
    return len(list(unanswered([event], windows, by_service)))


def test_a_failure_while_nothing_is_wrong_is_found() -> None:
    """Before, after, and without any fault; an answer is none, nor that the upstream is away."""
    for t in (5.0, 20.0):
        assert found(request(t, "GET", "/api/items/", 503), window("gateway-kill")) == 1
    assert found(request(5.0, "GET", "/api/items/", None)) == 1
    assert found(request(5.0, "GET", "/api/items/", 200)) == 0
    assert found(request(5.0, "GET", "/api/gather/", 503)) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("service", SERVICES)
def test_what_each_fault_explains(service: str, kind: str) -> None:
    """Without the gateway everything, without a replica what it alone can know, without Redis nothing."""
    asked = {
        "get": ("GET", "/api/items/"),
        "database": ("GET", "/api/rooms/"),
        "post": ("POST", "/api/items/"),
        "upstream": ("GET", "/api/gather/"),
    }
    explained = {
        "gateway": set(asked),
        "api": {"post"},
        "realtime": set(),
        "mock-upstream": set(),
        "postgres": {"database"},
        "redis": set(),
    }[service]
    fault = window(f"{service}-{kind}")
    assert {name for name, what in asked.items() if not found(request(12.0, *what, 502), fault)} == explained


def test_a_request_that_began_in_a_fault_is_explained_by_it() -> None:
    """It may fail long afterwards: the gateway waits for a replica."""
    assert found(request(25.0, "POST", "/api/items/", 504, took=15.0), window("api-cut")) == 0
    assert found(request(25.0, "POST", "/api/items/", 504, took=5.0), window("api-cut")) == 1


def test_a_service_may_find_its_database_late() -> None:
    """For 3 s after all was healthy, which is at 16 s."""
    for t, findings in ((18.0, 0), (19.5, 1)):
        assert found(request(t, "GET", "/api/rooms/", 503), window("postgres-kill")) == findings
        assert found(request(t, "GET", "/api/items/", 503), window("postgres-kill")) == 1


def test_requests_are_counted_by_step() -> None:
    """With those that failed, and the slowest of the others."""
    events = [
        request(12.0, "GET", "/api/items/", 200, took=1.0),
        request(13.0, "GET", "/api/items/", 503),
        request(30.0, "GET", "/api/items/", 200, took=9.0),
    ]
    assert answers(events, [window("gateway-kill")]) == [("gateway-kill", "2", "1", "1.00")]
