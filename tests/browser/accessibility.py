"""axe-core's opinion of a page."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

_SCRIPT = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


@cache
def _source() -> str:
    return _SCRIPT.read_text()


async def violations(page: Page) -> list[str]:
    """A line for each rule that the page breaks, with the elements that do; the rules of WCAG 2.2 AA and axe's own."""
    # Evaluated by the debugger, which the page's policy does not bind.
    await page.evaluate(_source())
    found: dict[str, Any] = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [_line(violation) for violation in found["violations"]]


def _line(violation: dict[str, Any]) -> str:
    nodes = "; ".join(f"{node['html'][:160]} ({_why(node)})" for node in violation["nodes"][:4])
    return f"{violation['id']} ({violation['impact']}): {nodes}"


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return checks[0]["message"] if checks else ""
