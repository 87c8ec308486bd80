"""A page that is watched: what went wrong in it, and what it weighs."""

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import ConsoleMessage, Page

# Runs before any script of the page. Shifts right after the visitor did something do not count, as Chromium has it.
INIT = """(() => {
  const seen = (globalThis.watched = { forbidden: [], shift: 0, shifted: [] });
  addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
    seen.forbidden.push(`${effectiveDirective}: ${blockedURI} ${sample}`));
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      seen.shift += entry.value;
      for (const { node } of entry.sources) seen.shifted.push(node?.outerHTML?.slice(0, 120) ?? String(node?.nodeName));
    }
  }).observe({ type: "layout-shift", buffered: true });
})()"""

# Bodies as they came over the wire, the page's own included.
MEASURE = """() => {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    ...globalThis.watched,
    bytes: entries.reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    paint: paint ? paint.startTime : null,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""


@dataclass(slots=True)
class Watched:
    """A page, and all errors of its console so far; `expect` names those that a test brings about."""

    page: Page
    errors: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """Errors of the console that match are none."""
        self.expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """The errors that nobody expected."""
        return [error for error in self.errors if not any(pattern.search(error) for pattern in self.expected)]

    async def measures(self) -> dict[str, Any]:
        """`bytes` on the wire, first `paint` in ms, the `shift` of the layout and what `shifted`, pixels of `overflow`.

        Also what the policy has `forbidden`.
        """
        measured: dict[str, Any] = await self.page.evaluate(MEASURE)
        return measured

    async def check(self) -> None:
        """Fails where something went wrong in the page."""
        forbidden = await self.page.evaluate("globalThis.watched?.forbidden ?? []")
        assert not forbidden, f"{self.page.url}: forbidden by the policy: {forbidden}"
        assert not self.unexpected(), f"{self.page.url}: {self.unexpected()}"


async def watch(page: Page) -> Watched:
    """Begin to watch `page`, before it is led anywhere."""
    watched = Watched(page)

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            watched.errors.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", heard)
    page.on("pageerror", lambda error: watched.errors.append(f"not caught: {error}"))
    await page.add_init_script(INIT)
    return watched
