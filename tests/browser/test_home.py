"""The start page: the stack as it runs, and a message on its way through it."""

import re

from playwright.async_api import Page, expect
from tests.browser.conftest import Visit
from tests.e2e import people
from tests.e2e.people import Person
from tests.e2e.stack import Stack

TIME = re.compile(r"^\d+(\.\d+)? m?s$")


async def send(page: Page) -> list[str]:
    """Send a message by the page's button; the steps that are drawn of its way."""
    await page.get_by_role("button", name="Send one to the lobby").click()
    await expect(page.locator("#trace-said")).to_contain_text("after it was taken")
    steps = page.locator("#steps .step")
    for time in await steps.locator(".time").all_text_contents():
        assert TIME.match(time), time
    return await page.locator("#steps .step > span:first-child").all_text_contents()


async def test_the_way_through_the_api(visit: Visit, stack: Stack) -> None:
    """Somebody's message goes from the api to PostgreSQL, over Redis to a realtime process, and to a socket."""
    async with people.signed_in(stack, stack.demo) as ada:
        page = (await visit("/", ada)).page
        steps = " | ".join(await send(page))
        assert re.search(r"api.*: PostgreSQL commits it \| Redis: announces it to realtime", steps), steps
        assert re.search(r"realtime.*: writes it to [1-9]\d* socket", steps), steps


async def test_the_way_of_a_guest(visit: Visit) -> None:
    """A guest's goes through a realtime process, without signing in."""
    page = (await visit("/")).page
    assert re.search(r"realtime.*: PostgreSQL commits it", (await send(page))[0])


async def test_somebody_with_a_click(visit: Visit) -> None:
    """A demo login is a click, and leads into the lobby."""
    watched = await visit("/")
    # Signing out closes the room's socket, which may ask for another ticket before the page is left.
    watched.expect("status of 401")
    page = watched.page
    await page.get_by_role("button", name="Sign in as alan").click()
    await page.wait_for_url("**/rooms/lobby/")
    await expect(page.locator(".who")).to_contain_text("alan")
    # Its session is nobody's any more.
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()


async def test_theme(visit: Visit) -> None:
    """The theme is the system's until one is chosen, which is kept, and is there before the page is painted."""
    page = (await visit("/", color_scheme="dark")).page
    button = page.get_by_role("button", name=re.compile("^Theme"))
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(paper)
    await button.click()
    await expect(button).to_have_accessible_name("Theme: light")
    light = await page.evaluate(paper)
    assert light != dark
    await page.goto("/tour/")
    assert await page.evaluate(paper) == light
    for name in ("Theme: dark", "Theme: as the system"):
        await button.click()
        await expect(button).to_have_accessible_name(name)
        assert await page.evaluate(paper) == dark


async def test_the_keyboard_skips_the_menu(visit: Visit, staff: Person) -> None:
    """The first stop of the keyboard leads past the menu."""
    page = (await visit("/", staff)).page
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
