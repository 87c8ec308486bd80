"""Each mechanism can be left out: by setting, and in a demo by request."""

import os
from typing import Any

import httpx
import pytest

from chassis.upstream import NAMES
from testing.starts import Starts

from .upstream import Upstream


@pytest.mark.parametrize("name", NAMES)
async def test_one_is_left_out(client: httpx.AsyncClient, upstream: Upstream, settings: Any, name: str) -> None:
    """The answer says so, beside what the settings leave out, and is complete."""
    settings.DEMO, settings.GATHER_WITHOUT = True, ["stale"]
    response = await client.get(f"/api/gather/?without={name}")
    meta = response.json()["meta"]
    assert (response.status_code, set(meta["without"]), meta["partial"]) == (200, {name, "stale"}, False)


async def test_all_are_left_out(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """A gather with nothing around it is still one."""
    settings.DEMO = True
    response = await client.get(f"/api/gather/?without={','.join(NAMES)}")
    assert (response.status_code, response.json()["meta"]["without"]) == (200, list(NAMES))


@pytest.mark.parametrize("given", ["hedges", "hedge,,retry", "hedge;retry", ",", "HEDGE"])
async def test_an_unknown_name(client: httpx.AsyncClient, settings: Any, given: str) -> None:
    """400, with the names that there are."""
    settings.DEMO = True
    response = await client.get("/api/gather/", params={"without": given})
    assert response.status_code == 400
    assert all(name in response.json()["error"] for name in NAMES)


async def test_not_outside_a_demo(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """Nobody takes the protection from a real service by a query string."""
    settings.DEMO = False
    response = await client.get("/api/gather/?without=hedge")
    assert (response.status_code, response.json()) == (400, {"error": "without is for demos: DEMO is not set"})
    assert (await upstream.counters())["requests"] == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATHER_WITHOUT", "hedge,speed"),
        ("GATHER_MANDATORY", "users,carts"),
        ("GATHER_DEADLINE_MS", "0"),
        ("GATHER_CONCURRENCY", "0"),
        ("GATHER_STALE_SECONDS", "-1"),
    ],
)
def test_a_malformed_setting_ends_the_start(starts: Starts, variable: str, value: str) -> None:
    """One line that names it."""
    ran = starts.run("import api.asgi", os.environ | {variable: value})
    assert ran.returncode == 1
    assert ran.stderr.startswith("configuration: ")
    assert variable in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
