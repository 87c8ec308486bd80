"""`make roll`: new containers for old ones, and no client notices."""

import asyncio
import subprocess
import warnings
from pathlib import Path

import httpx
import pytest
from tests.containers.engine import of
from tests.containers.load import Crowd, Requests, crowd, make_rooms, requests

ROLL = Path(__file__).parents[2] / "deploy" / "containers" / "roll"
# Requests a second. A machine that others keep busy may not carry the first; that says nothing of a roll, so the next
# is tried, and a warning tells.
RATES = (100.0, 50.0, 25.0)
ROOMS, EACH = 10, 20


def roll(service: str) -> subprocess.CompletedProcess[str]:
    # The images are those that the stack was started with.
    command = ["env", "BUILD=0", str(ROLL), service]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


async def rolled_under(rate: float, service: str, token: str) -> tuple[Requests, Crowd]:
    """A roll while so many requests a second are asked and rooms talk; every container is another one then."""
    before = {container.name for container in of(service)}
    async with crowd(make_rooms(ROOMS), EACH, token, rate=0.8) as seen:
        async with requests(rate, token) as asked:
            rolled = await asyncio.to_thread(roll, service)
    assert rolled.returncode == 0, rolled.stderr
    after = {container.name for container in of(service)}
    assert len(after) == len(before)
    assert not after & before
    assert asked.done > 10 * rate
    return asked, seen


@pytest.mark.timeout(480)
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_a_roll_costs_no_request_and_no_message(service: str, gateway: httpx.Client) -> None:
    """Under 100 requests a second, a quarter of them POSTs, and 200 sockets in 10 rooms that talk all the time."""
    login = await asyncio.to_thread(
        gateway.post, "/api/login/", json={"username": "grace", "password": "millrace-grace"}
    )
    for rate in RATES:
        asked, seen = await rolled_under(rate, service, login.json()["token"])
        if not asked.overloaded:
            break
        too_many = f"{len(asked.failed)} of {asked.done} requests at {rate:.0f} a second were too many for this machine"
        warnings.warn(too_many, stacklevel=1)
    assert asked.failed == []
    assert sum(seen.heads.values()) > ROOMS
    assert seen.behind() == []
    assert len(seen.heard) == ROOMS * EACH


def test_what_cannot_be_rolled_is_said() -> None:
    """A typing mistake replaces nothing."""
    refused = roll("postgres")
    assert refused.returncode == 2
    assert "S=api or S=realtime" in refused.stderr
