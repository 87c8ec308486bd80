"""Signing in, registering and signing out."""

import pytest
from playwright.async_api import expect
from tests.browser.conftest import Visit
from tests.e2e.people import PASSWORD, NewPerson, Person, unique


async def test_with_a_demo_login(visit: Visit) -> None:
    """A click fills in a printed login, Enter signs in, and the room that was wanted is there."""
    page = (await visit("/sign-in/?next=/rooms/lobby/")).page
    await page.get_by_role("button", name="ada millrace-ada").click()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/rooms/lobby/")
    await expect(page.locator(".who")).to_contain_text("ada")
    await expect(page.locator("#who-1")).to_have_text("ada")


async def test_a_wrong_password(visit: Visit, new_person: NewPerson) -> None:
    """It is said where one looks, and the next try may be right."""
    person = await new_person("mistyped")
    watched = await visit("/sign-in/")
    watched.expect("status of 401")
    form = watched.page.locator("form#sign-in")
    await form.get_by_label("Username").fill(person.username)
    await form.get_by_label("Password").fill("not this one")
    await form.get_by_role("button", name="Sign in").click()
    await expect(form.get_by_role("alert")).to_have_text("Wrong username or password")
    await form.get_by_label("Password").fill(person.password)
    await form.get_by_role("button", name="Sign in").click()
    await watched.page.wait_for_url("**/rooms/")
    await expect(watched.page.locator(".who")).to_contain_text(person.username)


async def test_registering(visit: Visit, staff: Person) -> None:
    """A weak password is refused with the reason; a good one makes a user who is signed in, and can sign out."""
    name = unique("newcomer")
    watched = await visit("/sign-in/")
    watched.expect("status of 400")
    page = watched.page
    form = page.locator("form#register")
    await form.get_by_label("Username").fill(name)
    await form.get_by_label("Password").fill("12345678")
    await form.get_by_role("button", name="Register").click()
    await expect(form.get_by_role("alert")).to_contain_text("too common")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="Register").click()
    await page.wait_for_url("**/rooms/")
    await expect(page.locator(".who")).to_contain_text(name)
    me = await (await page.request.get("/api/me/")).json()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert (await page.request.get("/api/me/")).status == 401
    assert (await staff.client.delete(f"/api/users/{me['id']}/")).status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["//example.org/", "https://example.org/", "/\\example.org/", "javascript:alert(1)"]
)
async def test_no_way_elsewhere(visit: Visit, new_person: NewPerson, elsewhere: str) -> None:
    """Whoever made the link, signing in leads to a page of this site."""
    person = await new_person("phished")
    page = (await visit("/sign-in/")).page
    await page.goto(f"/sign-in/?next={elsewhere}")
    form = page.locator("form#sign-in")
    await form.get_by_label("Username").fill(person.username)
    await form.get_by_label("Password").fill(person.password)
    await form.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/rooms/")
