"""`make roll`: new containers for old ones, and no client notices."""

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.containers.engine import of
from tests.containers.load import crowd, make_rooms, requests

ROLL = Path(__file__).parents[2] / "deploy" / "containers" / "roll"
RATE = 100.0
ROOMS, EACH = 10, 20


def roll(service: str) -> subprocess.CompletedProcess[str]:
    # The images are those that the stack was started with.
    command = ["env", "BUILD=0", str(ROLL), service]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_a_roll_costs_no_request_and_no_message(service: str, gateway: httpx.Client) -> None:
    """Under 100 requests a second, a quarter of them POSTs, and 200 sockets in 10 rooms that talk all the time."""
    login = await asyncio.to_thread(
        gateway.post, "/api/login/", json={"username": "grace", "password": "millrace-grace"}
    )
    token = login.json()["token"]
    before = {container.name for container in of(service)}
    async with crowd(make_rooms(ROOMS), EACH, token, rate=0.8) as seen:
        async with requests(RATE, token) as asked:
            rolled = await asyncio.to_thread(roll, service)
    assert rolled.returncode == 0, rolled.stderr
    after = {container.name for container in of(service)}
    assert len(after) == len(before)
    assert not after & before
    assert asked.done > 10 * RATE
    assert asked.failed == []
    assert sum(seen.heads.values()) > ROOMS
    assert seen.behind() == []
    assert len(seen.heard) == ROOMS * EACH


def test_what_cannot_be_rolled_is_said() -> None:
    """A typing mistake replaces nothing."""
    refused = roll("postgres")
    assert refused.returncode == 2
    assert "S=api or S=realtime" in refused.stderr
