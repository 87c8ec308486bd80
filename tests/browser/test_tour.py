"""The tour: endpoints are tried where they are read."""

from playwright.async_api import Locator, Page, expect
from tests.browser.conftest import Visit
from tests.e2e.people import Person


async def opened(page: Page, identifier: str) -> Locator:
    """An endpoint's form, unfolded."""
    endpoint = page.locator(f"#{identifier}")
    await endpoint.locator("summary").first.click()
    return endpoint


async def test_an_endpoint(visit: Visit) -> None:
    """Its fields go into the request; the status, both times and the body come back."""
    page = (await visit("/tour/")).page
    endpoint = await opened(page, "get-api-async")
    await endpoint.get_by_label("delay").fill("0")
    await endpoint.get_by_role("button", name="Send").click()
    result = endpoint.locator(".result")
    await expect(result).to_contain_text("200")
    await expect(result).to_contain_text("Hello from async view!")
    await expect(result.locator(".measures")).to_contain_text("in the api")


async def test_its_sql(visit: Visit, staff: Person) -> None:
    """The SQL of its view is listed."""
    page = (await visit("/tour/", staff)).page
    endpoint = await opened(page, "get-api-users")
    await endpoint.get_by_role("button", name="Send").click()
    await expect(endpoint.locator(".sql li").first).to_contain_text("accounts_user")


async def test_the_orm_as_a_table(visit: Visit) -> None:
    """Every method is a row with its SQL and its time."""
    page = (await visit("/tour/")).page
    endpoint = await opened(page, "get-api-orm")
    await endpoint.get_by_role("button", name="Send").click()
    row = endpoint.locator(".orm tbody tr").filter(has=page.locator("strong", has_text="abulk_create")).first
    await expect(row).to_contain_text("INSERT INTO")
    await expect(row.locator(".number")).to_contain_text("ms")


async def test_a_write(visit: Visit, staff: Person) -> None:
    """A body is sent with the page's CSRF token."""
    page = (await visit("/tour/", staff)).page
    endpoint = await opened(page, "post-api-rooms-room-notify")
    await endpoint.get_by_role("button", name="Send").click()
    await expect(endpoint.locator(".result")).to_contain_text('"sent": true')


async def test_a_stream(visit: Visit, staff: Person) -> None:
    """Events are shown as they come, until they are stopped."""
    page = (await visit("/tour/", staff)).page
    endpoint = await opened(page, "get-api-rooms-room-events")
    await endpoint.get_by_role("button", name="Send").click()
    await expect(endpoint.locator(".result")).to_contain_text("event: synced")
    await endpoint.get_by_role("button", name="Stop").click()
    await expect(endpoint.locator(".result")).to_contain_text("Stopped.")


async def test_without_a_user(visit: Visit) -> None:
    """What wants a user says so."""
    watched = await visit("/tour/")
    watched.expect("status of 401")
    endpoint = await opened(watched.page, "get-api-users")
    await endpoint.get_by_role("button", name="Send").click()
    await expect(endpoint.locator(".badge.warn")).to_contain_text("401")


async def test_a_source_file(visit: Visit) -> None:
    """The file behind an endpoint is a click away, at its line."""
    page = (await visit("/tour/")).page
    endpoint = await opened(page, "get-api-orm")
    await endpoint.locator(".source a").click()
    await expect(page.locator("h1")).to_have_text("services/api/api/orm/views.py")
    await expect(page.locator("li:target")).to_contain_text("async def get")
