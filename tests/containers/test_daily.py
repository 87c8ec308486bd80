"""The service that does what has to be done once a day."""

import re

import pytest
from tests.containers.engine import Container, docker, eventually, of

TABLES = ("tickets", "tokens", "sessions", "rooms", "messages")


def daily() -> Container:
    """Its container."""
    (container,) = of("daily")
    return container


def healthy() -> bool:
    """Whether its last run went well, a moment ago at most."""
    return bool(daily().facts["State"]["Health"]["Status"] == "healthy")


def test_it_has_run() -> None:
    """Once the stack is up it has done its work, and says what it did in a line a table."""
    assert healthy()
    log = docker("logs", daily().name).stdout
    assert [table for table in TABLES if not re.search(rf"^{table}: \d+ deleted$", log, re.MULTILINE)] == []


@pytest.mark.timeout(180)
def test_it_ends_at_once_when_it_is_told_to() -> None:
    """It waits for the next day, and does not wait on: 0, and no SIGKILL after the grace period."""
    container = daily()
    docker("stop", container.name)
    try:
        assert container.refreshed().facts["State"]["ExitCode"] == 0
    finally:
        docker("start", container.name)
    eventually(healthy, said="it has run again")
