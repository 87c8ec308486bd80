"""The pictures of the documentation, taken from a running stack: `make screenshots`."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from tests.browser.conftest import Visit
from tests.browser.gathering import ask
from tests.browser.panes import Pane
from tests.browser.test_pages import PAGES, charted, drawn
from tests.e2e import people
from tests.e2e.conftest import OpenSocket
from tests.e2e.people import Person
from tests.e2e.sockets import Entry
from tests.e2e.stack import Login, Stack

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MAX_BYTES = 200_000
# As small as three columns may be: this picture is the README's, and text is what makes it heavy.
ROOM_SIZE = {"width": 1160, "height": 728}
# What is seen in the room: said, missed, caught up.
FIRST = "My network is about to be cut. Keep talking!"
MISSED = ("Are you there?", "All of this is in PostgreSQL.", "It comes in order, each once.")


@pytest.fixture(autouse=True)
def wanted(request: pytest.FixtureRequest) -> None:
    """They change the repository, so only who asks gets them."""
    if not request.config.getoption("--screenshots"):
        pytest.skip("--screenshots writes docs/images")


async def take(page: Page, name: str, theme: str) -> None:
    """A picture of what is in the window."""
    path = IMAGES / f"console-{name}-{theme}.png"
    # From the top, with nothing pointed at.
    await page.evaluate("scrollTo(0, 0)")
    await page.mouse.move(0, 0)
    await page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size < MAX_BYTES, f"{path.name} has {path.stat().st_size} bytes"


@pytest_asyncio.fixture(scope="session")
async def ada(stack: Stack) -> AsyncIterator[Person]:
    """The demo's user, after one sign-in for all pictures."""
    async with people.signed_in(stack, stack.demo) as person:
        yield person


@pytest_asyncio.fixture(scope="session")
async def alan(stack: Stack) -> AsyncIterator[Person]:
    """Another one."""
    async with people.signed_in(stack, Login("alan", "millrace-alan")) as person:
        yield person


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", [path for path in PAGES if path not in {"/", "/rooms/lobby/", "/gather/", "/system/"}])
async def test_page(visit: Visit, ada: Person, path: str, theme: str) -> None:
    """The page as somebody signed in sees it at first."""
    watched = await visit(path, None if path == "/sign-in/" else ada, color_scheme=theme)
    await PAGES[path](watched.page)
    await take(watched.page, path.strip("/"), theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_home(visit: Visit, ada: Person, enter_first: OpenSocket, enter_second: OpenSocket, theme: str) -> None:
    """The running stack, and a message that has just gone from the api to sockets of two processes."""
    async with enter_first("lobby", Entry()), enter_second("lobby", Entry()):
        page = (await visit("/", ada, color_scheme=theme, viewport={"width": 1160, "height": 1120})).page
        await drawn(page)
        await page.get_by_role("button", name="Send one to the lobby").click()
        await expect(page.locator("#steps .step")).to_have_count(5)
        await expect(page.locator(".node.lit")).to_have_count(0)
        await take(page, "home", theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_system(visit: Visit, ada: Person, enter_first: OpenSocket, enter_second: OpenSocket, theme: str) -> None:
    """Half a minute of talk and requests, in which Redis paused."""
    async with enter_first("lobby", Entry()), enter_second("lobby", Entry()):
        page = (await visit("/system/", ada, color_scheme=theme, viewport={"width": 1160, "height": 1120})).page
        await charted(page)
        for second in range(40):
            if second == 15:
                await page.get_by_role("button", name="Pause Redis").click()
            asked = [ada.client.get("/api/users/") for _ in range(10)]
            said = ada.client.post("/api/rooms/lobby/messages/", json={"message": f"second {second}"})
            await asyncio.gather(said, *asked, page.wait_for_timeout(1000))
        await take(page, "system", theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_room(visit: Visit, ada: Person, alan: Person, theme: str) -> None:
    """Two people in a room, one of whom has just caught up with what a cut network had kept away."""
    page = (await visit("/rooms/lobby/", ada, color_scheme=theme, viewport=ROOM_SIZE)).page
    hers, his = Pane(page, 1), Pane(page, 2)
    await hers.joined()
    await his.open_as(alan)
    await hers.say(FIRST)
    await expect(his.messages.last).to_contain_text(FIRST)
    await hers.part("cut").click()
    await his.say(*MISSED)
    await expect(his.messages.last).to_contain_text(MISSED[-1])
    await hers.part("cut").click()
    await expect(hers.notes.last).to_contain_text("Caught up")
    await take(page, "room", theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_gather(visit: Visit, ada: Person, upstream_client: httpx.AsyncClient, theme: str) -> None:
    """Three upstreams of which one in three requests fails, and the answers are complete all the same."""
    page = (await visit("/gather/", ada, color_scheme=theme)).page
    # A third is more than the budget of retries has for long.
    await page.locator(".switches input[name=budget]").uncheck()
    try:
        await page.get_by_role("button", name="One in three fails").click()
        await expect(page.locator("#faults-said")).to_contain_text("Set.")
        await page.get_by_role("button", name="Keep asking").click()
        await expect(page.locator("#chart .dot").nth(70)).to_be_attached(timeout=60_000)
        await page.get_by_role("button", name="Stop asking").click()
        # A picture in which something was tried again.
        while await page.locator("#waterfall .bar.failed").count() < 2:
            await ask(page)
    finally:
        await upstream_client.delete("/faults")
    await take(page, "gather", theme)
