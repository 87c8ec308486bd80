"""The Gather page: the upstreams are broken by its sliders, and what the legs do is drawn."""

import re
from collections.abc import AsyncIterator
from itertools import pairwise

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.browser.conftest import Visit
from tests.browser.gathering import ask, bars, break_leg, cell, opened
from tests.e2e.recording import poll


@pytest_asyncio.fixture(autouse=True)
async def whole(upstream_client: httpx.AsyncClient) -> AsyncIterator[None]:
    """The upstreams have no faults before and after."""
    await upstream_client.delete("/faults")
    yield
    await upstream_client.delete("/faults")


async def test_three_at_once(visit: Visit, upstream_client: httpx.AsyncClient) -> None:
    """Three legs, a request each, all under way at the same time; below them the same three end to end."""
    await upstream_client.put("/faults", json={"*": {"latency": {"kind": "fixed", "ms": 300}}})
    page = await opened(visit)
    await expect(page.locator("#waterfall .bar.ok")).to_have_count(3)
    for leg in ("users", "products", "orders"):
        await expect(cell(page, leg, "outcome")).to_have_text("ok")
    legs, turns = await bars(page, "ok"), await bars(page, "turn")
    assert max(start for start, _ in legs) < min(end for _, end in legs)
    assert [start for start, _ in turns[1:]] == pytest.approx([end for _, end in turns[:-1]])


async def test_a_leg_that_hangs(visit: Visit, upstream_client: httpx.AsyncClient) -> None:
    """Its requests run out of time, which is drawn; the answer is partial, and the others are complete."""
    page = await opened(visit, "stale", "breaker", "hedge")
    await break_leg(page, upstream_client, "hangs", "hang_rate")
    await ask(page)
    await expect(page.locator("#outcome")).to_have_text("partial")
    await expect(cell(page, "orders", "outcome")).to_contain_text("timeout")
    await expect(cell(page, "users", "outcome")).to_have_text("ok")
    await expect(page.locator("#waterfall .bar.timeout")).to_have_count(1)


async def test_retries_are_drawn(visit: Visit, upstream_client: httpx.AsyncClient) -> None:
    """A leg that fails is asked three times, one after the other; without retries it is asked once."""
    page = await opened(visit, "stale", "breaker", "budget", "hedge")
    await break_leg(page, upstream_client, "errors", "error_rate")
    await ask(page)
    await expect(page.locator("#waterfall .bar.failed")).to_have_count(3)
    await expect(cell(page, "orders", "attempts")).to_have_text("3")
    starts = [start for start, _ in await bars(page, "failed")]
    assert all(first < second for first, second in pairwise(starts))
    await page.locator(".switches input[name=retry]").uncheck()
    # What was measured with it is forgotten.
    await expect(page.locator("#counted")).to_have_text("0")
    await ask(page)
    await expect(page.locator("#waterfall .bar.failed")).to_have_count(1)


async def test_an_older_answer(visit: Visit, upstream_client: httpx.AsyncClient) -> None:
    """With copies a leg that fails has its last good rows, said to be stale, and the answer is complete."""
    page = await opened(visit, "breaker", "retry")
    await break_leg(page, upstream_client, "errors", "error_rate")
    await ask(page)
    await expect(cell(page, "orders", "outcome")).to_contain_text("stale")
    await expect(cell(page, "orders", "source")).to_contain_text("s old")
    await expect(page.locator("#waterfall .bar.stale")).to_have_count(1)
    await expect(page.locator("#outcome")).to_have_text("complete")


async def test_it_goes_on_asking(visit: Visit, upstream_client: httpx.AsyncClient) -> None:
    """Again and again, until it is told to stop: a dot an answer, percentiles, and the shares of what came."""
    page = await opened(visit, "stale", "hedge", "breaker", "retry")
    await page.get_by_role("button", name="Keep asking").click()
    await break_leg(page, upstream_client, "errors", "error_rate")
    await expect(page.locator("#chart .dot.partial").nth(4)).to_be_attached()
    await page.get_by_role("button", name="Stop asking").click()
    await expect(page.locator("#partial")).to_have_text(re.compile(r"^[1-9]\d* %$"))
    for name in ("p50", "p99"):
        await expect(page.locator(f"#{name}")).to_contain_text(" ms")
        await expect(page.locator(f"#chart .line.{name}")).to_have_count(1)


async def test_the_sliders_show_what_is_set(visit: Visit, upstream_client: httpx.AsyncClient) -> None:
    """Faults that are there already are on the sliders, and one click makes all healthy again."""
    await upstream_client.put("/faults", json={"users": {"latency": {"kind": "fixed", "ms": 125}, "error_rate": 0.25}})
    page = await opened(visit)
    await expect(page.locator("#users-latency")).to_have_value("125")
    await expect(page.locator("#users-errors")).to_have_value("25")
    await page.get_by_role("button", name="All healthy").click()
    await expect(page.locator("#users-latency")).to_have_value("0")

    async def healthy() -> bool | None:
        faults = (await upstream_client.get("/faults")).json()
        return not any(settings["latency"] or settings["error_rate"] for settings in faults.values()) or None

    await poll(healthy, "no faults")
