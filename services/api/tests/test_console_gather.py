"""The way from the Gather page to the upstream's faults, which is there in the demo only."""

import re
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from chassis.upstream import NAMES

from .upstream import Upstream, impatient

PATH = "/gather/faults/"


@pytest.fixture(autouse=True)
def demo(settings: Settings) -> None:
    """This is a demo."""
    settings.DEMO = True


async def test_faults_are_set_and_ended(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """What is put there is what the upstream does from then on."""
    put = await client.put(PATH, json={"orders": {"error_rate": 1}})
    assert (put.status_code, put.json()["orders"]["error_rate"]) == (200, 1)
    assert (await client.get("/api/gather/")).json()["meta"]["legs"]["orders"]["status"] == "error"
    assert (await client.get(PATH)).json() == put.json()
    assert (await client.delete(PATH)).json()["orders"]["error_rate"] == 0
    assert not (await client.get("/api/gather/")).json()["meta"]["partial"]


async def test_a_setting_that_is_none(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """The upstream's own words come back, and nothing has changed."""
    answer = await client.put(PATH, json={"orders": {"error_rate": 2}})
    assert answer.status_code == 400
    assert "error_rate" in answer.json()["error"]


async def test_a_body_that_is_too_large(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """It is not passed on."""
    assert (await client.put(PATH, content=b"x" * 20_000)).status_code == 413


async def test_an_upstream_that_is_down(client: httpx.AsyncClient, settings: Settings, unused_url: str) -> None:
    """The page is told so, and not where the upstream is."""
    settings.UPSTREAM_URL = unused_url
    answer = await client.get(PATH)
    assert (answer.status_code, answer.json()) == (502, {"error": "The upstream does not answer"})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_outside_the_demo(client: httpx.AsyncClient, settings: Settings, upstream: Upstream, method: str) -> None:
    """There is no such way, and the page has no sliders."""
    settings.DEMO = False
    assert (await client.request(method, PATH, json={"orders": {"error_rate": 1}})).status_code == 403
    assert 'id="faults"' not in (await client.get("/gather/")).text
    settings.DEMO = True
    assert (await client.get(PATH)).json()["orders"]["error_rate"] == 0


async def test_the_switches_are_those_that_there_are(client: httpx.AsyncClient, process: Any) -> None:
    """The page has a switch for each mechanism, in their order."""
    assert tuple(re.findall(r'<input type="checkbox" name="(\w+)"', (await client.get("/gather/")).text)) == NAMES


async def test_a_trace(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """Who asks for it gets each request of a leg: which one it was, when, and how it ended; nobody else does."""
    await upstream.fault(orders={"error_rate": 1})
    without = "stale,fresh,breaker,budget,hedge"
    legs = (await client.get(f"/api/gather/?trace=true&without={without}")).json()["meta"]["legs"]
    assert [(sent["kind"], sent["ended"]) for sent in legs["users"]["requests"]] == [("first", "ok")]
    tried = legs["orders"]["requests"]
    assert [(sent["kind"], sent["ended"]) for sent in tried] == [("first", "failed"), *[("retry", "failed")] * 2]
    ends = [sent["at"] + sent["ms"] for sent in tried]
    begins = [sent["at"] for sent in tried[1:]] + [legs["orders"]["ms"]]
    # One after the other; each number is rounded to a hundredth of a millisecond.
    assert all(end <= begin + 0.02 for end, begin in zip(ends, begins, strict=True))
    untraced = (await client.get(f"/api/gather/?without={without}")).json()["meta"]["legs"]
    assert all("requests" not in leg for leg in untraced.values())


async def test_a_trace_of_a_leg_that_ran_out_of_time(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """The request that had no answer in time says so."""
    impatient("orders", 0.2)
    await upstream.fault(orders={"hang_rate": 1})
    answer = await client.get("/api/gather/?trace=true&without=stale,fresh,breaker,hedge")
    orders = answer.json()["meta"]["legs"]["orders"]
    assert (orders["status"], [sent["ended"] for sent in orders["requests"]]) == ("timeout", ["timeout"])
