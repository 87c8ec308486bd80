"""`make roll`: new containers for old ones, and no client notices."""

import asyncio
import subprocess
from pathlib import Path

import pytest
from tests.containers.conftest import API_URL, REALTIME_URL
from tests.containers.engine import of, sql
from tests.load.asking import requests
from tests.load.crowd import crowd

ROLL = Path(__file__).parents[2] / "deploy" / "containers" / "roll"
RATE = 100.0
ROOMS, SOCKETS = 10, 200


def roll(service: str) -> subprocess.CompletedProcess[str]:
    # The images are those that the stack was started with.
    command = ["env", "BUILD=0", str(ROLL), service]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_a_roll_costs_no_request_and_no_message(service: str, tmp_path: Path) -> None:
    """Under 100 requests a second, a quarter of them POSTs, and 200 sockets in 10 rooms that talk all the time."""
    before = {container.name for container in of(service)}
    async with crowd((API_URL, REALTIME_URL), sql, tmp_path, rooms=ROOMS, sockets=SOCKETS) as seen:
        async with requests(API_URL, RATE, seen.token) as asked:
            seen.disturb()
            rolled = await asyncio.to_thread(roll, service)
        seen.calm()
    assert rolled.returncode == 0, rolled.stderr
    after = {container.name for container in of(service)}
    assert len(after) == len(before)
    assert not after & before
    assert asked.begun > 10 * RATE
    assert asked.failed == []
    assert seen.lost == []
    assert seen.verdict.counted["acked"] > ROOMS
    assert seen.verdict.counted["clients"] == SOCKETS


def test_what_cannot_be_rolled_is_said() -> None:
    """A typing mistake replaces nothing."""
    refused = roll("postgres")
    assert refused.returncode == 2
    assert "S=api or S=realtime" in refused.stderr
