"""The suite about the containers needs an engine and a running stack; `make containers` starts one for it."""

import os

import httpx
import pytest
from tests.containers.engine import OPTIONAL, SERVICES, containers

API_URL = os.environ.get("API_URL", "http://localhost:8080").rstrip("/")
REALTIME_URL = os.environ.get("REALTIME_URL", "ws://localhost:8080").rstrip("/")


@pytest.fixture(scope="session", autouse=True)
def stack() -> None:
    """Ends the run with one sentence where the stack is not there."""
    missing = {*SERVICES, *OPTIONAL} - {container.service for container in containers()}
    if missing:
        pytest.exit(f"Not running: {', '.join(sorted(missing))}. `make containers` starts a stack.", returncode=3)


@pytest.fixture
def gateway() -> httpx.Client:
    """A client of the gateway that keeps no connection: each request meets whichever replica is next."""
    return httpx.Client(base_url=API_URL, timeout=20, headers={"Connection": "close"})
