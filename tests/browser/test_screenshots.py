"""The pictures of the documentation, taken from a running stack: `make screenshots`."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import Visit
from tests.browser.panes import Pane
from tests.browser.test_pages import PAGES
from tests.e2e import people
from tests.e2e.stack import Login, Stack

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MAX_BYTES = 150_000
# What is seen in the room: said, missed, caught up.
FIRST = "My network is about to be cut. Keep talking!"
MISSED = ("Are you there?", "Your messages are safe in PostgreSQL.", "You will get these in order, each once.")


@pytest.fixture(autouse=True)
def wanted(request: pytest.FixtureRequest) -> None:
    """They change the repository, so only who asks gets them."""
    if not request.config.getoption("--screenshots"):
        pytest.skip("--screenshots writes docs/images")


async def take(page: Page, name: str, theme: str) -> None:
    """A picture of what is in the window."""
    path = IMAGES / f"console-{name}-{theme}.png"
    await page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size < MAX_BYTES, f"{path.name} has {path.stat().st_size} bytes"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", [path for path in PAGES if path != "/rooms/lobby/"])
async def test_page(visit: Visit, stack: Stack, path: str, theme: str) -> None:
    """The page as somebody signed in sees it at first."""
    async with people.signed_in(stack, stack.demo) as ada:
        watched = await visit(path, None if path == "/sign-in/" else ada, color_scheme=theme)
        await PAGES[path](watched.page)
        await take(watched.page, path.strip("/") or "home", theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_room(visit: Visit, stack: Stack, theme: str) -> None:
    """Two people in a room, one of whom has just caught up with what a cut network had kept away."""
    alan = Login("alan", "millrace-alan")
    async with people.signed_in(stack, stack.demo) as ada, people.signed_in(stack, alan) as other:
        page = (await visit("/rooms/lobby/", ada, color_scheme=theme)).page
        hers, his = Pane(page, 1), Pane(page, 2)
        await hers.joined()
        await his.open_as(other)
        await hers.say(FIRST)
        await expect(his.messages.last).to_contain_text(FIRST)
        await hers.part("cut").click()
        await his.say(*MISSED)
        await expect(his.messages.last).to_contain_text(MISSED[-1])
        await hers.part("cut").click()
        await expect(hers.notes.last).to_contain_text("Caught up")
        await take(page, "room", theme)
