"""The Rooms pages: a chat of two, from what one types to what the other sees."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
from playwright.async_api import Route, expect
from tests.browser.conftest import Visit
from tests.browser.panes import Pane
from tests.e2e.people import NewPerson, Person, unique
from tests.e2e.stack import Stack

ROOM = "python"


async def post(person: Person, text: str) -> int:
    """Say something from elsewhere; its number."""
    answer = await person.client.post(f"/api/rooms/{ROOM}/messages/", json={"message": text})
    assert answer.status_code == 201, answer.text
    seq: int = answer.json()["seq"]
    return seq


async def test_two_panes(visit: Visit, new_person: NewPerson) -> None:
    """One page is two people: each sees the other typing, there, and what they say, by the same numbers."""
    alice, bob = await new_person("alice"), await new_person("bob")
    page = (await visit(f"/rooms/{ROOM}/", alice)).page
    hers, his = Pane(page, 1), Pane(page, 2)
    await hers.joined()
    await his.open_as(bob)
    mark = unique("two")
    await expect(his.part("present")).to_contain_text(alice.username)
    await expect(hers.part("present")).to_contain_text(bob.username)
    await his.root.get_by_label("Message", exact=True).press_sequentially("hello")
    await expect(hers.part("typing")).to_have_text(f"{bob.username} is typing…")
    await his.say(f"{mark} from him")
    await hers.hears(f"{mark} from him")
    await expect(hers.part("typing")).to_have_text("")
    await hers.say(f"{mark} from her")
    await his.hears(f"{mark} from her")
    assert await hers.heard(mark) == await his.heard(mark)
    assert [by for _, by, _ in await hers.heard(mark)] == [bob.username, alice.username]
    # The second login has touched nothing of the first, and leaving it ends its token.
    assert (await (await page.request.get("/api/me/")).json())["username"] == alice.username
    await his.root.get_by_role("button", name="Leave").click()
    await expect(hers.part("present")).not_to_contain_text(bob.username)
    await expect(his.part("chooser")).to_be_visible()


async def test_a_token_stays_in_memory(visit: Visit, new_person: NewPerson) -> None:
    """The second pane's token is in no storage and no cookie, and is revoked when the pane is left."""
    alice, bob = await new_person("alice"), await new_person("bob")
    page = (await visit(f"/rooms/{ROOM}/", alice)).page
    pane = Pane(page, 2)
    async with page.expect_response("**/api/login/") as signing_in:
        await pane.open_as(bob)
    token = (await (await signing_in.value).json())["token"]
    kept = await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")
    assert token not in kept
    async with page.expect_response("**/api/logout/"):
        await pane.root.get_by_role("button", name="Leave").click()
    answer = await page.request.get("/api/me/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 401


async def test_two_browsers_on_two_processes(visit: Visit, stack: Stack, new_person: NewPerson) -> None:
    """Two people in browsers of their own, each connected to another realtime process, hear the same."""
    alice, bob = await new_person("alice"), await new_person("bob")
    panes = []
    for person, process in zip((alice, bob), stack.realtime_processes, strict=True):
        watched = await visit("/rooms/", person)
        # To Chromium the page comes from nowhere then, and might not talk to a server of this machine.
        await watched.page.context.grant_permissions(["local-network-access"])
        await watched.page.route(f"**/rooms/{ROOM}/", _through(stack.realtime, process))
        async with watched.page.expect_websocket() as opened:
            await watched.page.goto(f"/rooms/{ROOM}/")
        assert (await opened.value).url.startswith(process)
        panes.append(Pane(watched.page))
    hers, his = panes
    await asyncio.gather(hers.joined(), his.joined())
    mark = unique("far")
    for number in range(3):
        await hers.say(f"{mark} her {number}")
        await his.hears(f"{mark} her {number}")
        await his.say(f"{mark} him {number}")
        await hers.hears(f"{mark} him {number}")
    assert await hers.heard(mark) == await his.heard(mark)
    assert len(await hers.heard(mark)) == 6


def _through(usual: str, process: str) -> Callable[[Route], Awaitable[None]]:
    """The page as the api sends it, but for the address of the realtime service, in its policy too."""
    old, new = (url.removeprefix("ws://") for url in (usual, process))

    async def fulfil(route: Route) -> None:
        answer = await route.fetch()
        headers = {name: value.replace(old, new) for name, value in answer.headers.items() if name != "content-length"}
        await route.fulfill(status=answer.status, headers=headers, body=(await answer.text()).replace(old, new))

    return fulfil


async def test_a_message_that_is_refused(visit: Visit, new_person: NewPerson) -> None:
    """It stays where it was written with the reason; it may be tried again or discarded, and others go on."""
    pane = Pane((await visit(f"/rooms/{ROOM}/", await new_person("wordy"))).page)
    await pane.joined()
    mark = unique("long")
    await pane.say(mark + "é" * 3000, f"{mark} short")
    await pane.hears(f"{mark} short")
    failed = pane.part("outbox").locator("li")
    await expect(failed.get_by_role("alert")).to_have_text("Message is longer than 4096 bytes")
    await failed.get_by_role("button", name="Retry").click()
    await expect(failed.get_by_role("alert")).to_have_text("Message is longer than 4096 bytes")
    await failed.get_by_role("button", name="Discard").click()
    await expect(failed).to_have_count(0)
    assert [text for _, _, text in await pane.heard(mark)] == [f"{mark} short"]


async def test_older_messages(visit: Visit, new_person: NewPerson) -> None:
    """Scrolling up brings what is older, page by page, and what was looked at stays where it is."""
    writers = [await new_person("writer") for _ in range(2)]
    mark = unique("old")
    for number in range(120):
        await post(writers[number % 2], f"{mark} {number}")
    pane = Pane((await visit(f"/rooms/{ROOM}/", writers[0])).page)
    await pane.joined()
    assert len(await pane.seqs()) == 50
    while len(await pane.heard(mark)) < 120:
        before = len(await pane.seqs())
        await pane.part("scroller").evaluate("(scroller) => { scroller.scrollTop = 0; }")
        await expect(pane.messages.nth(before)).to_be_attached()
    seqs = await pane.seqs()
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert [text for _, _, text in await pane.heard(mark)] == [f"{mark} {number}" for number in range(120)]
    # The row that had been the first is where the eye was, not a page further down.
    assert await pane.part("scroller").evaluate("(scroller) => scroller.scrollTop") > 0


async def test_unread(visit: Visit, new_person: NewPerson) -> None:
    """What comes while one reads further up is counted, and one key leads to it; other rooms show theirs."""
    reader, writer = await new_person("reader"), await new_person("writer")
    for number in range(20):
        await post(writer, f"fill {number}\n" * 4)
    page = (await visit(f"/rooms/{ROOM}/", reader)).page
    pane = Pane(page)
    await pane.joined()
    scroller = pane.part("scroller")
    await scroller.evaluate("(scroller) => { scroller.scrollTop = scroller.scrollHeight / 2; }")
    await expect(pane.part("jump")).to_have_text("To the newest ↓")
    mark = unique("unread")
    for number in range(3):
        await post(writer, f"{mark} {number}")
    await pane.hears(f"{mark} 2")
    jump = pane.part("jump")
    await expect(jump).to_have_text("3 new ↓")
    await expect(page).to_have_title("(3) Async Python · Millrace")
    await jump.press("Enter")
    await expect(jump).to_be_hidden()
    await expect(page).to_have_title("Async Python · Millrace")
    await page.goto("/rooms/lobby/")
    await Pane(page).joined()
    await post(writer, f"{mark} later")
    await expect(page.locator(f"[data-unread={ROOM}]")).to_have_text("1 new")


async def test_the_stream_beside(visit: Visit, new_person: NewPerson) -> None:
    """The event stream shows the same message by the same number."""
    page = (await visit(f"/rooms/{ROOM}/", await new_person("streamer"))).page
    pane = Pane(page)
    await pane.joined()
    mark = unique("sse")
    await pane.say(mark)
    await pane.hears(mark)
    [(seq, _, _)] = await pane.heard(mark)
    event = page.locator("#stream .events li").filter(has_text=mark)
    await expect(event).to_have_count(1)
    first, second, third = (await event.inner_text()).split("\n")
    assert (first, second) == (f"id: {seq}", "event: message")
    assert json.loads(third.removeprefix("data: "))["seq"] == seq


async def test_a_guest(visit: Visit, anyone: httpx.AsyncClient) -> None:
    """Without a login one is a guest, learns one's name, and is told what guests have not."""
    page = (await visit("/rooms/lobby/")).page
    pane = Pane(page)
    await pane.joined()
    mark = unique("guest")
    await pane.say(mark)
    await pane.hears(mark)
    [(_, name, _)] = await pane.heard(mark)
    assert name.startswith("guest-")
    await expect(pane.part("who")).to_have_text(name)
    await expect(page.locator("#stream").get_by_role("link", name="Sign in")).to_be_visible()


async def test_by_keyboard_alone(visit: Visit, new_person: NewPerson) -> None:
    """Everything in a pane is reached by Tab, in the order in which it is seen, and worked by Space and Enter."""
    page = (await visit(f"/rooms/{ROOM}/", await new_person("keys"))).page
    pane = Pane(page)
    await pane.joined()
    await pane.part("cut").focus()
    await page.keyboard.press("Space")
    await expect(pane.part("state")).to_have_text("network cut")
    await expect(pane.part("cut")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Space")
    await pane.joined()
    reached = ["cut"]
    while reached[-1] != "text" and len(reached) < 10:
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.dataset.part ?? document.activeElement.name"))
    # Two are there only where the room has more than a page: what is older, and the way back from there.
    reached = [name for name in reached if name not in {"older", "jump"}]
    assert reached == ["cut", "drop", "drop-count", "scroller", "text"]
    mark = unique("keys")
    await page.keyboard.type(mark)
    await page.keyboard.press("Enter")
    await pane.hears(mark)
