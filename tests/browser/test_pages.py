"""Every page, in both themes, wide and narrow."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect
from tests.browser import accessibility
from tests.browser.conftest import Visit
from tests.browser.measures import record
from tests.e2e.people import NewPerson, Person

MAX_BYTES = 150_000
# Chromium calls a page stable up to 0.1; these are laid out by the server, so nothing has a reason to move.
MAX_SHIFT = 0.01
SIZES = {"wide": {"width": 1280, "height": 860}, "narrow": {"width": 360, "height": 780}}

type Ready = Callable[[Page], Awaitable[None]]


async def shown(page: Page) -> None:
    """Its heading is there, and all that it loads at first."""
    await expect(page.locator("h1")).to_be_visible()
    await page.wait_for_load_state("load")


async def joined(page: Page) -> None:
    """The first pane has the room's history, the stream too."""
    await expect(page.locator("#pane-1 [data-part=state]")).to_have_text("connected")
    await expect(page.locator("#stream .events li").first).to_be_visible()


async def answered(page: Page) -> None:
    """The first answer is drawn."""
    await expect(page.locator("#outcome")).not_to_have_text("none yet")
    await expect(page.locator("#waterfall .bar").first).to_be_attached()


async def drawn(page: Page) -> None:
    """Every process and dependency is there, as the first two answers have it."""
    await expect(page.locator("#column-realtime .node[data-state=good]").last).to_be_visible()
    await expect(page.locator("#rate-requests")).to_have_text(re.compile(r"\d"))


async def charted(page: Page) -> None:
    """The table and the charts have what the first two answers said."""
    await expect(page.locator("#processes .badge.good").first).to_be_visible()
    await expect(page.locator("[data-chart=sockets] dd").first).to_be_visible()


PAGES: dict[str, Ready] = {
    "/": drawn,
    "/rooms/": shown,
    "/rooms/lobby/": joined,
    "/gather/": answered,
    "/tour/": shown,
    "/system/": charted,
    "/sign-in/": shown,
}


@pytest.fixture
async def visitor(new_person: NewPerson) -> Person:
    """Whoever looks at the pages."""
    return await new_person("visitor")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
async def test_page(visit: Visit, visitor: Person, path: str, theme: str, size: str) -> None:
    """It breaks no rule of accessibility, does not move under the reader, fits its window, and is light."""
    watched = await visit(path, visitor, color_scheme=theme, viewport=SIZES[size], reduced_motion="reduce")
    await PAGES[path](watched.page)
    assert await accessibility.violations(watched.page) == []
    measured = await watched.measures()
    record(path, f"{theme} {size}", measured)
    assert measured["paint"] is not None
    assert measured["shift"] <= MAX_SHIFT, measured["shifted"]
    assert measured["overflow"] <= 0
    assert measured["bytes"] < MAX_BYTES


@pytest.mark.parametrize(("path", "status"), [("/rooms/staff/", 403), ("/rooms/nowhere_at_all/", 404)])
async def test_closed_rooms(visit: Visit, visitor: Person, path: str, status: int) -> None:
    """A room that one may not enter, or that is not, says so on a page with the right status."""
    watched = await visit("/rooms/", visitor)
    watched.expect(rf"status of {status}")
    answer = await watched.page.goto(path)
    assert answer is not None
    assert answer.status == status
    assert await accessibility.violations(watched.page) == []


async def test_axe_finds_something(visit: Visit) -> None:
    """The check of accessibility is one: a control without a name is found."""
    watched = await visit("/sign-in/")
    await watched.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any("button-name" in line for line in await accessibility.violations(watched.page))


async def test_the_watch_finds_something(visit: Visit) -> None:
    """The watch is one: an inline script is forbidden, is not run, and is noticed."""
    watched = await visit("/sign-in/")
    await watched.page.evaluate(
        "const script = document.createElement('script'); script.textContent = 'globalThis.ran = true';"
        "document.body.append(script)"
    )
    with pytest.raises(AssertionError, match="forbidden by the policy"):
        await watched.check()
    assert await watched.page.evaluate("globalThis.ran") is None
    assert watched.unexpected()
    # What it was about to tell at the end of this test has been told.
    await watched.page.goto("/sign-in/")
    watched.errors.clear()
