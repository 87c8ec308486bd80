"""The Gather page, as somebody who looks at it and works its sliders."""

import httpx
from playwright.async_api import Locator, Page, expect
from tests.browser.conftest import Visit
from tests.e2e.recording import poll


async def opened(visit: Visit, *without: str) -> Page:
    """The page after its first answer, with these mechanisms turned off from then on."""
    page = (await visit("/gather/")).page
    await expect(page.locator("#outcome")).to_have_text("complete")
    for name in without:
        await page.locator(f".switches input[name={name}]").uncheck()
    return page


async def break_leg(page: Page, upstream: httpx.AsyncClient, slider: str, setting: str) -> None:
    """Push a slider of `orders` to its end by keyboard, and wait until the upstream has it."""
    await page.locator(f"#orders-{slider}").press("End")

    async def set_there() -> bool | None:
        return bool((await upstream.get("/faults/orders")).json()[setting]) or None

    await poll(set_there, f"{setting} of orders")


async def ask(page: Page) -> None:
    """One more answer, drawn."""
    counted = page.locator("#counted")
    before = int(await counted.inner_text())
    await page.get_by_role("button", name="Ask once").click()
    await expect(counted).to_have_text(str(before + 1))


def cell(page: Page, leg: str, what: str) -> Locator:
    """What the table has of a leg."""
    return page.locator(f"tr[data-leg={leg}] [data-cell={what}]")


async def bars(page: Page, kind: str) -> list[tuple[float, float]]:
    """Where the bars of one kind start and end in the waterfall, in pixels, as they are drawn."""
    found: list[list[float]] = await page.locator(f"#waterfall .bar.{kind}").evaluate_all(
        "(bars) => bars.map(({ x, width }) => [x.baseVal.value, x.baseVal.value + width.baseVal.value])"
    )
    return [(start, end) for start, end in found]
