"""Django's admin in a browser: our sign-in before it, and its scripts under our policy."""

import re

from playwright.async_api import expect
from tests.browser.conftest import Visit
from tests.e2e.people import NewPerson, unique
from tests.e2e.stack import Stack


async def test_sign_in_write_and_sign_out(visit: Visit, stack: Stack) -> None:
    """Staff come back from signing in to where they wanted, write an article, remove it, and sign out."""
    page = (await visit("/admin/articles/article/add/")).page
    form = page.locator("form#sign-in")
    await form.get_by_label("Username").fill(stack.staff.username)
    await form.get_by_label("Password").fill(stack.staff.password)
    await form.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/admin/articles/article/add/")
    title = unique("From the admin")
    await page.get_by_label("Title:").press_sequentially(title)
    # By a script of the admin's, which the policy has to allow.
    await expect(page.get_by_label("Slug:")).to_have_value(re.compile("^from-the-admin"))
    await page.get_by_label("Body:").fill("Text")
    await page.locator("#id_author").fill("1")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    await page.get_by_role("link", name=title).first.click()
    await page.locator(".deletelink").click()
    await page.get_by_role("button", name=re.compile("^Yes")).click()
    await expect(page.locator(".messagelist")).to_contain_text("was deleted successfully")
    await page.get_by_role("button", name="Log out").click()
    await expect(page.locator("h1")).to_contain_text("Logged out")


async def test_messages_of_a_room(visit: Visit, stack: Stack) -> None:
    """Messages are found by their room, and shown."""
    page = (await visit("/sign-in/?next=/admin/administration/message/")).page
    form = page.locator("form#sign-in")
    await form.get_by_label("Username").fill(stack.staff.username)
    await form.get_by_label("Password").fill(stack.staff.password)
    await form.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/admin/administration/message/")
    await page.locator("#changelist-filter").get_by_role("link", name="lobby").click()
    await page.locator("#result_list tbody tr").last.locator("a").first.click()
    await expect(page.locator(".field-body")).to_be_visible()


async def test_not_for_everybody(visit: Visit, new_person: NewPerson) -> None:
    """Somebody who is no staff is told so."""
    watched = await visit("/", await new_person("curious"))
    watched.expect("status of 403")
    await watched.page.get_by_role("link", name="Admin", exact=True).click()
    await expect(watched.page.locator("h1")).to_have_text("For staff only")
