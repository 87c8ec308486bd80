"""The circuit breaker, by example and through any order of requests, outcomes and time."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chassis.upstream.breaker import Breaker, State, _Window


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def breaker_at(clock: Clock, changes: list[State], **options: float) -> Breaker:
    """One with few requests to open it."""
    return Breaker(clock=clock, volume=4, changed=changes.append, **options)  # type: ignore[arg-type]


def fail(breaker: Breaker, times: int, ok: bool = False) -> None:
    """So many requests that fail, or succeed."""
    for _ in range(times):
        ticket = breaker.admit()
        assert ticket is not None
        breaker.settle(ticket, ok)


@pytest.fixture
def clock() -> Clock:
    """Shared by a test and what it tests."""
    return Clock()


def test_the_breaker_opens(clock: Clock) -> None:
    """At half of the requests, not before there were enough of them, and says when it may be tried."""
    changes: list[State] = []
    breaker = breaker_at(clock, changes)
    fail(breaker, 2, ok=True)
    fail(breaker, 1)
    assert (breaker.state, breaker.retry_after()) == ("closed", 0)
    fail(breaker, 1)
    assert (changes, breaker.admit(), breaker.refuses(), breaker.retry_after()) == (["open"], None, True, 5)


def test_old_failures_are_forgotten(clock: Clock) -> None:
    """What was longer ago than the window does not count."""
    breaker = breaker_at(clock, [])
    fail(breaker, 3)
    clock.now += 11
    fail(breaker, 1)
    assert breaker.state == "closed"


def test_the_breaker_closes_after_probes(clock: Clock) -> None:
    """After its time a few are let through and no more; when all of them succeed it is closed, with a clean slate."""
    changes: list[State] = []
    breaker = breaker_at(clock, changes, probes=2)
    fail(breaker, 4)
    clock.now += 5
    tickets = [breaker.admit() for _ in range(3)]
    assert (tickets[2], breaker.refuses()) == (None, True)
    for ticket in tickets[:2]:
        assert ticket is not None
        breaker.settle(ticket, True)
    assert changes == ["open", "half-open", "closed"]
    fail(breaker, 3)
    assert breaker.state == "closed"


def test_a_failed_probe_opens_it_again(clock: Clock) -> None:
    """One is enough, and the time starts again; the other probes say nothing any more."""
    breaker = breaker_at(clock, [])
    fail(breaker, 4)
    clock.now += 5
    one, other = breaker.admit(), breaker.admit()
    assert one is not None
    assert other is not None
    breaker.settle(one, False)
    breaker.settle(other, True)
    assert (breaker.state, breaker.retry_after()) == ("open", 5)


def test_a_probe_that_is_given_up_gives_its_place_back(clock: Clock) -> None:
    """Clients that go away keep nobody from trying."""
    breaker = breaker_at(clock, [], probes=1)
    fail(breaker, 4)
    clock.now += 5
    for _ in range(3):
        ticket = breaker.admit()
        assert ticket is not None
        breaker.settle(ticket, None)
    fail(breaker, 1, ok=True)
    assert breaker.state == "closed"


def test_late_news_are_no_news(clock: Clock) -> None:
    """A request of before the breaker opened says nothing about after."""
    breaker = breaker_at(clock, [])
    late = [breaker.admit() for _ in range(4)]
    fail(breaker, 4)
    clock.now += 5
    breaker.admit()
    for early in late:
        assert early is not None
        breaker.settle(early, False)
    assert breaker.state == "half-open"


class BreakerMachine(RuleBasedStateMachine):
    """Any order of requests, outcomes and time."""

    volume, open_for, probes = 4, 5.0, 2

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.changes: list[State] = []
        self.breaker = Breaker(
            clock=self.clock,
            volume=self.volume,
            open_for=self.open_for,
            probes=self.probes,
            changed=self.changed,
        )
        self.tickets: list[int] = []
        # Requests let in, and how they went, since the last change of state.
        self.admitted = self.settled = self.failed = 0
        self.opened_at = -math.inf

    def changed(self, state: State) -> None:
        allowed = {"closed": {"open"}, "open": {"half-open"}, "half-open": {"open", "closed"}}
        before = self.changes[-1] if self.changes else "closed"
        assert state in allowed[before]
        self.changes.append(state)
        self.admitted = self.settled = self.failed = 0
        if state == "open":
            self.opened_at = self.clock.now

    @rule()
    def admit(self) -> None:
        """A request wants in: refused only where the state says so, and `refuses` said the same."""
        refused = self.breaker.refuses()
        ticket = self.breaker.admit()
        assert refused == (ticket is None)
        if ticket is None:
            return
        self.tickets.append(ticket)
        self.admitted += 1
        assert self.breaker.state != "open"

    @precondition(lambda self: self.tickets)
    @rule(place=st.randoms(use_true_random=False), ok=st.sampled_from([True, False, None]))
    def settle(self, place: Random, ok: bool | None) -> None:
        """One of those under way ends, or is given up."""
        ticket = self.tickets.pop(place.randrange(len(self.tickets)))
        before = len(self.changes)
        self.breaker.settle(ticket, ok)
        if len(self.changes) > before:
            assert ok is not None
            assert (self.changes[-1] == "closed") == ok

    @rule(seconds=st.floats(0, 12))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.now += seconds

    @invariant()
    def open_is_open(self) -> None:
        """While it is open nothing goes out before its time, and it says how long that is."""
        if self.breaker.state == "open":
            left = self.opened_at + self.open_for - self.clock.now
            assert self.breaker.refuses() == (left > 0)
            assert self.breaker.retry_after() == pytest.approx(max(0, left))

    @invariant()
    def half_open_lets_few_through(self) -> None:
        """Never more under way than it takes to close it."""
        if self.breaker.state == "half-open":
            assert self.breaker._out + self.breaker._passed <= self.probes
            assert self.breaker._out >= 0

    def teardown(self) -> None:
        """Nothing is stuck: once all requests have ended, a healthy upstream closes it."""
        for ticket in self.tickets:
            self.breaker.settle(ticket, None)
        self.clock.now += self.open_for
        for _ in range(self.probes):
            probe = self.breaker.admit()
            assert probe is not None
            self.breaker.settle(probe, True)
        assert self.breaker.state == "closed"


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=150, stateful_step_count=60, deadline=None, database=None)


def state(breaker: Breaker) -> str:
    """Its state now, which a type checker does not expect to be what it was."""
    return breaker.state


def test_it_may_be_tried_at_its_time(clock: Clock) -> None:
    """Not a moment before, and at the moment that `retry_after` says."""
    breaker = breaker_at(clock, [], open_for=8.0)
    fail(breaker, 4)
    clock.now += 7.5
    assert (breaker.retry_after(), breaker.refuses(), breaker.admit()) == (0.5, True, None)
    clock.now += 0.5
    assert (breaker.retry_after(), breaker.refuses(), state(breaker)) == (0, False, "open")
    assert breaker.admit() is not None
    assert (state(breaker), breaker.retry_after()) == ("half-open", 0)


def test_a_late_probe_is_no_news(clock: Clock) -> None:
    """A probe of an earlier attempt says nothing about this one, whatever its outcome, and frees no other's place."""
    breaker = breaker_at(clock, [], probes=2)
    fail(breaker, 4)
    clock.now += 5
    late, failing = breaker.admit(), breaker.admit()
    assert late is not None
    assert failing is not None
    breaker.settle(failing, False)
    clock.now += 5
    tickets = [breaker.admit() for _ in range(2)]
    breaker.settle(late, False)
    breaker.settle(late, True)
    assert (state(breaker), breaker.refuses(), None in tickets) == ("half-open", True, False)


def test_half_open_counts_those_under_way_and_those_that_passed(clock: Clock) -> None:
    """Three probes in all, one by one or at once: what passed needs no other in its place, what was given up does."""
    breaker = breaker_at(clock, [])
    fail(breaker, 4)
    clock.now += 5
    fail(breaker, 1, ok=True)
    one, other = breaker.admit(), breaker.admit()
    assert (one is None, other is None, breaker.admit(), breaker.refuses()) == (False, False, None, True)
    assert one is not None
    breaker.settle(one, None)
    assert not breaker.refuses()
    fail(breaker, 1, ok=True)
    assert (state(breaker), breaker.refuses()) == ("half-open", True)
    assert other is not None
    breaker.settle(other, True)
    assert state(breaker) == "closed"


def test_by_default(clock: Clock) -> None:
    """Half of twenty requests within ten seconds open it for five; three probes close it."""
    breaker = Breaker(clock=clock)
    fail(breaker, 10, ok=True)
    fail(breaker, 9)
    assert state(breaker) == "closed"
    clock.now += 8.9
    fail(breaker, 1)
    assert (state(breaker), breaker.retry_after()) == ("open", 5)
    clock.now += 5
    fail(breaker, 2, ok=True)
    assert state(breaker) == "half-open"
    fail(breaker, 1, ok=True)
    assert state(breaker) == "closed"


def test_a_success_never_opens_it(clock: Clock) -> None:
    """Old successes leave the window before the failures do: the share rises, but it takes a failure to open it."""
    breaker = breaker_at(clock, [])
    fail(breaker, 9, ok=True)
    clock.now += 5
    fail(breaker, 4)
    clock.now += 6
    fail(breaker, 1, ok=True)
    assert state(breaker) == "closed"
    fail(breaker, 1)
    assert state(breaker) == "open"


def test_those_that_are_given_up_do_not_count(clock: Clock) -> None:
    """Neither as requests nor as failures."""
    breaker = breaker_at(clock, [])
    for _ in range(20):
        ticket = breaker.admit()
        assert ticket is not None
        breaker.settle(ticket, None)
    fail(breaker, 3)
    assert state(breaker) == "closed"
    fail(breaker, 1)
    assert state(breaker) == "open"


@given(
    steps=st.lists(st.tuples(st.sampled_from([0.0, 0.8, 2.0, 5.0, 18.0, 20.0, 22.0, 50.0]), st.booleans()), max_size=40)
)
def test_the_window_in_tenths(steps: list[tuple[float, bool]]) -> None:
    """Both sums are those of the ten newest tenths, whatever was between."""
    window, now = _Window(20), 1000.0
    counted: list[tuple[int, bool]] = []
    for seconds, failed in steps:
        now += seconds
        newest = int(now / 2)
        counted.append((newest, failed))
        recent = [failed for tenth, failed in counted if tenth > newest - 10]
        assert window.add(now, failed=failed) == (len(recent), sum(recent))
