"""Figures, claims, resources and the picture, from a history that is known."""

from xml.etree import ElementTree as ET

from tests.chaos.checker import check
from tests.chaos.claims import claims
from tests.chaos.control import Reading
from tests.chaos.facts import Limits
from tests.chaos.history import Event
from tests.chaos.logs import sends_of
from tests.chaos.measures import deliveries, figures, outside, windows_of
from tests.chaos.report import Outcome, markdown
from tests.chaos.resources import Snapshot, compared
from tests.chaos.timeline import timeline


def _events() -> list[Event]:
    """One message during an outage of Redis, acknowledged and delivered by polling, and one after it."""
    return [
        Event(0.1, "open", client="c1", conn=1, room="room0"),
        Event(0.2, "open", client="c2", conn=1, room="room0"),
        Event(1, "phase", why="warm"),
        Event(10, "fault_start", fault="redis-dead"),
        Event(12, "send", client="c1", conn=1, id="a", sum="x", via="ws", room="room0"),
        Event(12.1, "ack", client="c1", conn=1, id="a", seq=1, room="room0"),
        Event(13.1, "message", client="c2", conn=1, id="a", seq=1, sum="x", room="room0"),
        Event(13.2, "message", client="c1", conn=1, id="a", seq=1, sum="x", room="room0"),
        Event(20, "fault_stop", fault="redis-dead", why="SIGKILL of redis"),
        Event(21, "healed", fault="redis-dead"),
        Event(30, "send", client="c2", conn=1, id="b", sum="y", via="ws", room="room0"),
        Event(30.5, "unknown", client="c2", id="b", why="cut", room="room0"),
    ]


def test_figures_inside_and_outside_of_a_fault() -> None:
    """What counts is when a message was sent, and that others got it."""
    events = _events()
    [window] = windows_of(events)
    assert (window.label, window.start, window.stop, window.healed) == ("redis-dead", 10, 20, 21)
    inside = figures(events, window.start, window.healed)
    assert (inside.sends, inside.acked, inside.unknown) == (1, 1, 0)
    assert inside.delivered.at(0.99) == 13.1 - 12.1
    assert (outside(events, [window]).sends, outside(events, [window]).unknown) == (1, 1)


def test_a_client_that_had_to_come_back_does_not_count_as_slow() -> None:
    """Its delay is that of its connection."""
    events = [Event(12.5, "open", client="c2", conn=2, room="room0") if e.t == 0.2 else e for e in _events()]
    events.sort(key=lambda event: event.t)
    assert list(deliveries(events, sends_of(events))) == []


def test_claims_hold_or_not() -> None:
    """All acknowledged, and in time; without the acknowledgement the first does not hold."""
    events = _events()
    windows = windows_of(events)
    assert [(claim.scenario, claim.holds) for claim in claims(events, windows)] == [("redis-dead", True)] * 2
    unacked = [event for event in events if event.kind != "ack"]
    assert not claims(unacked, windows)[0].holds


def _held(files: int, stuck: int = 0) -> Snapshot:
    return Snapshot({"realtime": Reading(2, 2**27, 20, files)}, {"api": 3, "stuck": stuck})


def test_resources_that_were_not_given_back() -> None:
    """A fuller pool is none; sockets that stay open and a transaction that never ends are."""
    assert compared(_held(60), _held(80)) == []
    assert [finding.kind for finding in compared(_held(60), _held(200))] == ["resources"]
    assert [finding.kind for finding in compared(_held(60), _held(60, stuck=1))] == ["resources"]


def test_the_report_and_the_picture_show_the_fault() -> None:
    """The report has its row, its claims and the findings; the picture is well-formed and has its band."""
    events = _events()
    windows = windows_of(events)
    outcome = Outcome(7, events, windows, check(events, {}, Limits()), claims(events, windows), ["a note"])
    text = markdown(outcome)
    assert "# Chaos: FAILED" in text
    assert "| redis-dead | 10.0 | 1.0 | 1 | 100% |" in text
    assert "**a note**" in text
    picture = ET.fromstring(timeline(events, windows))  # noqa: S314 - our own text
    names = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "redis-dead" in names
    assert sum(element.get("class") == "band" for element in picture.iter()) == 1
