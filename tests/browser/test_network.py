"""The promise that the Rooms page makes visible: what a broken network kept away arrives in order, each once."""

from playwright.async_api import expect
from tests.browser.conftest import Visit
from tests.browser.panes import Pane
from tests.browser.test_rooms import ROOM
from tests.e2e.people import NewPerson, unique


async def both(visit: Visit, new_person: NewPerson) -> tuple[Pane, Pane]:
    """Two people in the two panes of a page."""
    alice, bob = await new_person("alice"), await new_person("bob")
    page = (await visit(f"/rooms/{ROOM}/", alice)).page
    hers, his = Pane(page, 1), Pane(page, 2)
    await hers.joined()
    await his.open_as(bob)
    return hers, his


def without_holes(seqs: list[int]) -> bool:
    """Ascending by one: nothing is missing, nothing comes twice, nothing is out of order."""
    return seqs == list(range(seqs[0], seqs[-1] + 1))


async def test_a_network_that_is_cut(visit: Visit, new_person: NewPerson) -> None:
    """While it is cut nothing arrives and what is said waits; once released all of it is there, and that is shown."""
    hers, his = await both(visit, new_person)
    mark = unique("cut")
    await hers.say(f"{mark} before")
    await his.hears(f"{mark} before")
    await hers.part("cut").click()
    await expect(hers.part("state")).to_have_text("network cut")
    await hers.say(f"{mark} her 0", f"{mark} her 1")
    waiting = hers.part("outbox").locator("li")
    await expect(waiting).to_have_count(2)
    await expect(waiting.first).to_contain_text("waits for the network")
    missed = [f"{mark} his {number}" for number in range(5)]
    await his.say(*missed)
    await his.hears(missed[-1])
    # He sees that she is gone; nothing of his has reached her.
    await expect(his.part("present")).not_to_contain_text("alice_")
    assert [text for _, _, text in await hers.heard(mark)] == [f"{mark} before"]

    await hers.part("cut").click()
    await hers.joined()
    await his.hears(f"{mark} her 1")
    await hers.hears(f"{mark} her 1")
    await expect(waiting).to_have_count(0)
    expected = [f"{mark} before", *missed, f"{mark} her 0", f"{mark} her 1"]
    assert [text for _, _, text in await hers.heard(mark)] == expected
    assert await hers.heard(mark) == await his.heard(mark)
    assert await hers.caught_up(mark) == missed
    first, last = (seq for seq, _, text in await hers.heard(mark) if text in {missed[0], missed[-1]})
    await expect(hers.notes.last).to_have_text(f"Caught up: #{first} to #{last}, in order, each once.")
    assert without_holes(await hers.seqs())


async def test_a_network_that_is_cut_again_and_again(visit: Visit, new_person: NewPerson) -> None:
    """Cut in the middle of what both say, the two end up with the same messages, each once."""
    hers, his = await both(visit, new_person)
    mark = unique("again")
    for number in range(4):
        await his.say(f"{mark} his {number}")
        await hers.say(f"{mark} her {number}")
        await hers.part("cut").click()
        await his.say(f"{mark} his {number} unheard")
        await hers.part("cut").click()
    await hers.joined()
    await his.say(f"{mark} end")
    await hers.hears(f"{mark} end")
    for number in range(4):
        await hers.hears(f"{mark} her {number}")
        await his.hears(f"{mark} her {number}")
    assert sorted(await hers.heard(mark)) == sorted(await his.heard(mark))
    assert len(await hers.heard(mark)) == 13
    assert without_holes(await hers.seqs())
    assert without_holes(await his.seqs())


async def test_frames_that_are_dropped(visit: Visit, new_person: NewPerson) -> None:
    """Messages that get lost on the way show as a gap at the next one, which is filled, and that is shown."""
    hers, his = await both(visit, new_person)
    mark = unique("drop")
    await his.say(f"{mark} 0")
    await hers.hears(f"{mark} 0")
    await hers.part("drop-count").fill("2")
    await hers.part("drop").click()
    await expect(hers.part("drop")).to_have_text("Dropping 2")
    await his.say(f"{mark} 1", f"{mark} 2")
    await expect(hers.notes.last).to_contain_text("got lost on the way. The next message will show it.")
    assert [text for _, _, text in await hers.heard(mark)] == [f"{mark} 0"]
    await his.say(f"{mark} 3")
    await hers.hears(f"{mark} 3")
    before = (await hers.heard(mark))[0][0]
    await expect(hers.notes.filter(has_text=f"Gap: #{before + 3} came after #{before}.")).to_have_count(1)
    await expect(hers.notes.last).to_have_text(f"Caught up: #{before + 1} to #{before + 3}, in order, each once.")
    assert await hers.heard(mark) == await his.heard(mark)
    assert await hers.caught_up(mark) == [f"{mark} {number}" for number in (1, 2, 3)]
    assert without_holes(await hers.seqs())


async def test_the_history_needs_the_network_too(visit: Visit, new_person: NewPerson) -> None:
    """While the network is cut older messages are not to be had either, and the button says so."""
    writer = await new_person("writer")
    for number in range(60):
        await writer.client.post(f"/api/rooms/{ROOM}/messages/", json={"message": f"history {number}"})
    page = (await visit(f"/rooms/{ROOM}/", writer)).page
    pane = Pane(page)
    await pane.joined()
    await pane.part("cut").click()
    await expect(pane.part("state")).to_have_text("network cut")
    await pane.part("scroller").evaluate("(scroller) => { scroller.scrollTop = 0; }")
    await expect(pane.part("older")).to_contain_text("The network is cut")
    await pane.part("cut").click()
    await pane.joined()
    await pane.part("older").click()
    await expect(pane.messages.nth(55)).to_be_attached()
