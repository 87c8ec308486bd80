"""The system page: figures of every process, and faults that are seen to heal."""

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import Visit
from tests.e2e import people
from tests.e2e.people import Person
from tests.e2e.stack import Stack

HEALED_MS = 60_000
MOST_KILLS = 8


async def watched_page(visit: Visit, person: Person) -> Page:
    """The page, once two snapshots are there: what happens from then on is told."""
    page = (await visit("/system/", person)).page
    await expect(page.locator("[data-chart=requests] dd").first).to_be_visible()
    return page


async def test_every_process(visit: Visit, staff: Person) -> None:
    """Each process and each dependency has its line, and all serve."""
    page = await watched_page(visit, staff)
    table = page.locator("#processes")
    for name in ("api", "realtime", "PostgreSQL", "Redis", "upstream"):
        await expect(table.locator("tr", has_text=name).first.locator(".badge.good")).to_be_visible()


async def test_charts(visit: Visit, staff: Person, stack: Stack) -> None:
    """Requests that are made are drawn."""
    page = await watched_page(visit, staff)
    for _ in range(20):
        assert (await staff.client.get("/api/async/?delay=0")).status_code == 200
    line = page.locator("[data-chart=requests] path.line-0").first
    await page.wait_for_function("(line) => /L.*L/.test(line.getAttribute('d'))", arg=await line.element_handle())


@pytest.mark.timeout(180)
async def test_redis_pauses(visit: Visit, stack: Stack) -> None:
    """Redis answers nobody for some seconds, which is seen, and then answers again."""
    async with people.signed_in(stack, stack.demo) as ada:
        page = await watched_page(visit, ada)
        await page.get_by_role("button", name="Pause Redis").click()
        await expect(page.locator("#said")).to_contain_text("Redis answers nobody for 5 seconds")
        log = page.locator("#events")
        await expect(log).to_contain_text("Redis: no answer within 0.8 s")
        await expect(log).to_contain_text("Redis answers again", timeout=HEALED_MS)


@pytest.mark.timeout(300)
async def test_a_process_is_killed(visit: Visit, stack: Stack) -> None:
    """It is gone, it is said to be, and another one takes its place."""
    async with people.signed_in(stack, stack.demo) as ada:
        page = await watched_page(visit, ada)
        button = page.get_by_role("button", name="Kill a realtime process")
        if not await button.count():
            pytest.skip("nothing here supervises the processes")
        log = page.locator("#events")
        # Each time it is away for longer; a page on a slow machine may not look while it is away for half a second.
        for number in range(MOST_KILLS):
            await button.click()
            await expect(page.locator("#said")).to_contain_text("was killed")
            await expect(log.get_by_text("has a new process").nth(number)).to_be_attached(timeout=HEALED_MS)
            await expect(page.locator("#processes .badge.bad")).to_have_count(0, timeout=HEALED_MS)
            if "does not serve" in await log.inner_text():
                return
        pytest.fail("the page never showed that a process does not serve")


async def test_buttons_are_for_somebody(visit: Visit) -> None:
    """A stranger sees what could be done, and cannot do it."""
    page = (await visit("/system/")).page
    await expect(page.get_by_role("button", name="Pause Redis")).to_be_disabled()
