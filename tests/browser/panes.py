"""A pane of a room's page, as somebody who looks at it and types into it."""

from typing import Any

from playwright.async_api import Locator, Page, expect
from tests.e2e.people import Person

_MESSAGES = """(list, mark) => [...list.querySelectorAll("li.message")]
  .map((item) => ({
    seq: Number(item.dataset.seq),
    text: item.querySelector(".text").textContent,
    by: item.querySelector("strong").textContent,
    caught_up: item.classList.contains("caught-up"),
  }))
  .filter(({ text }) => text.startsWith(mark))"""


class Pane:
    """Pane 1 is whoever the page belongs to; pane 2 is opened by a login of its own."""

    def __init__(self, page: Page, number: int = 1) -> None:
        self.page = page
        self.root = page.locator(f"#pane-{number}")

    def part(self, name: str) -> Locator:
        """A part by the name that the page has for it."""
        return self.root.locator(f"[data-part={name}]")

    @property
    def messages(self) -> Locator:
        """The messages that have arrived."""
        return self.part("messages").locator("li.message")

    @property
    def notes(self) -> Locator:
        """What happened between them."""
        return self.part("messages").locator("li.note")

    async def joined(self) -> None:
        """Wait until all is here and what comes is live."""
        await expect(self.part("state")).to_have_text("connected")

    async def open_as(self, person: Person) -> None:
        """Open the second pane as somebody else."""
        await self.root.locator("summary").click()
        await self.root.get_by_label("Username").fill(person.username)
        await self.root.get_by_label("Password").fill(person.password)
        await self.root.get_by_role("button", name="Open", exact=True).click()
        await self.joined()

    async def say(self, *texts: str) -> None:
        """Type each and press Enter."""
        field = self.root.get_by_label("Message", exact=True)
        for text in texts:
            await field.fill(text)
            await field.press("Enter")

    async def hears(self, text: str) -> Locator:
        """Wait until a message that is exactly this has arrived."""
        found = self.messages.filter(has=self.page.locator(".text").get_by_text(text, exact=True))
        await expect(found).to_have_count(1)
        return found

    async def heard(self, mark: str) -> list[tuple[int, str, str]]:
        """Number, name and text of all messages that begin with `mark`, from top to bottom."""
        return [(item["seq"], item["by"], item["text"]) for item in await self._read(mark)]

    async def caught_up(self, mark: str) -> list[str]:
        """The texts of those that came in place of what was missed."""
        return [item["text"] for item in await self._read(mark) if item["caught_up"]]

    async def seqs(self) -> list[int]:
        """The numbers of all messages, from top to bottom."""
        return [item["seq"] for item in await self._read("")]

    async def _read(self, mark: str) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = await self.part("messages").evaluate(_MESSAGES, mark)
        return read
