"""Fixtures: a Chromium, and pages in it that are watched."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect
from tests.browser.measures import TABLE
from tests.browser.watching import Watched, watch
from tests.e2e.conftest import anyone, enter_first, enter_second, new_person, stack, staff, upstream_client
from tests.e2e.people import Person
from tests.e2e.stack import Stack

# Those of the other suite: pytest finds fixtures by their names in here.
__all__ = ["anyone", "enter_first", "enter_second", "new_person", "stack", "staff", "upstream_client"]

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
# For what must happen: only a failure takes that long.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

type Visit = Callable[..., Awaitable[Watched]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Screenshots change files of the repository, so they are taken on demand only."""
    parser.addoption("--screenshots", action="store_true", help="write docs/images/console-*.png")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the pages weigh and how soon they are painted, which no test asserts: it is the machine's."""
    if TABLE:
        terminalreporter.section("pages")
        for line in TABLE:
            terminalreporter.line(line)


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser; a test gets contexts of its own in it."""
    path = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if path is None:
        pytest.exit("No Chromium here. `make browser` installs it.", returncode=3)
    async with async_playwright() as playwright:
        headless = not os.environ.get("HEADED")
        browser = await playwright.chromium.launch(executable_path=path, headless=headless, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def visit(chromium: Browser, stack: Stack) -> AsyncIterator[Visit]:
    """`visit(path, person=None, **options)` opens a page of its own; at its end nothing may have gone wrong."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    async def open_page(path: str, person: Person | None = None, **options: Any) -> Watched:
        options = {"viewport": {"width": 1280, "height": 860}} | options
        context = await chromium.new_context(base_url=stack.api, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if person is not None:
            await give_session(context, person, stack.api)
        watched = await watch(await context.new_page())
        pages.append(watched)
        await watched.page.goto(path)
        return watched

    yield open_page
    try:
        for watched in pages:
            await watched.check()
    finally:
        for context in contexts:
            await context.close()


async def give_session(context: BrowserContext, person: Person, url: str) -> None:
    """The session that `person` has already: signing in is limited by name, and takes a processor its time."""
    for cookie in person.cookie.split("; "):
        name, _, value = cookie.partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": url}])
