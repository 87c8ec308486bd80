"""The state machines of `chassis.upstream`, by example and by property: their clock and their luck come from here."""

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chassis.upstream import NAMES, UnknownMechanism, without
from chassis.upstream import deadline as deadlines
from chassis.upstream.backoff import Backoff
from chassis.upstream.breaker import Breaker, State
from chassis.upstream.budget import Budget
from chassis.upstream.copies import Copies
from chassis.upstream.deadline import Deadline
from chassis.upstream.quantile import MovingQuantile

QUICK = settings(max_examples=100, deadline=None, database=None)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@QUICK
@given(
    ratio=st.floats(0, 1),
    start=st.integers(0, 20),
    most=st.integers(0, 20),
    uses=st.lists(st.booleans(), max_size=300),
)
def test_a_budget_is_never_overdrawn(ratio: float, start: int, most: int, uses: list[bool]) -> None:
    """Whatever the order, after `n` deposits at most `start + ratio * n` were spent; what is kept has its bound."""
    budget = Budget(ratio, start=start, most=max(start, most))
    deposits = spent = 0
    for deposit in uses:
        if deposit:
            budget.deposit()
            deposits += 1
        else:
            spent += budget.spend()
        assert spent <= start + ratio * deposits + 1e-6
        assert 0 <= budget.tokens <= max(start, most)


def test_a_tenth_is_a_tenth() -> None:
    """Ten deposits of a tenth are one token, in spite of binary fractions."""
    budget = Budget(0.1, start=0, most=10)
    for _ in range(10):
        assert not budget.spend()
        budget.deposit()
    assert (budget.spend(), budget.spend()) == (True, False)


@QUICK
@given(
    share=st.floats(0.01, 1),
    size=st.integers(1, 50),
    values=st.lists(st.floats(0, 100), min_size=1, max_size=120),
)
def test_the_quantile_is_that_of_the_last_values(share: float, size: int, values: list[float]) -> None:
    """Nearest rank, as by sorting what the window holds; none before there are enough."""
    moving = MovingQuantile(share, size=size, least=5, every=1)
    for number, value in enumerate(values, start=1):
        moving.add(value)
        window = sorted(values[max(0, number - size) : number])
        expected = window[max(0, math.ceil(share * len(window)) - 1)]
        assert moving.value == (None if number < 5 else expected)


@QUICK
@given(base=st.floats(0.001, 1), cap=st.floats(0.001, 5), attempts=st.integers(1, 20), luck=st.floats(0, 1))
def test_backoff_has_full_jitter(base: float, cap: float, attempts: int, luck: float) -> None:
    """Anything from nothing to the bound, which doubles up to the cap."""
    delay = Backoff(base, cap, lambda: luck).delay(attempts)
    assert delay == pytest.approx(luck * min(cap, base * 2 ** (attempts - 1)))


def test_backoff_spreads() -> None:
    """Its own luck is not always the same."""
    backoff = Backoff(1, 1, Random(1).random)
    assert len({backoff.delay(1) for _ in range(20)}) == 20


@QUICK
@given(seconds=st.floats(0, 100), passed=st.floats(0, 200))
def test_a_deadline_only_gets_nearer(seconds: float, passed: float) -> None:
    """What is left is never more than it was and never negative; the header says no more than that."""
    clock = Clock()
    deadline = Deadline.after(seconds, clock)
    clock.now += passed
    assert deadline.remaining() == pytest.approx(max(0, seconds - passed), abs=1e-6)
    assert int(deadline.header()) <= deadline.remaining() * 1000


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("250", 0.25), ("0", 0), (None, None), ("", None), ("-1", None), ("1e3", None), ("²", None), ("9" * 8, None)],
)
def test_a_deadline_is_read(given: str | None, seconds: float | None) -> None:
    """Whole milliseconds; whatever else a caller sends is no limit, and no error."""
    assert deadlines.read(given) == seconds


def test_switches() -> None:
    """All on; those that are named off, in a fixed order; the same object for the same names."""
    assert without([]).without == []
    assert without(["stale", "hedge"]).without == ["hedge", "stale"]
    assert without(NAMES).without == list(NAMES)
    assert without(["hedge", "stale"]) is without(["stale", "hedge", "hedge"])


def test_an_unknown_switch() -> None:
    """Says what it may be."""
    with pytest.raises(UnknownMechanism, match="no mechanism 'hedges'; there are deadline, timeout"):
        without(["hedges"])


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


class CopiesMachine(RuleBasedStateMachine):
    """Any order of answers, questions and time, beside a plain dictionary of all that was ever put."""

    fresh_for, stale_for, most, most_bytes = 1.0, 10.0, 3, 40

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.copies: Copies[int] = Copies(
            fresh_for=self.fresh_for,
            stale_for=self.stale_for,
            most=self.most,
            most_bytes=self.most_bytes,
            clock=self.clock,
        )
        self.last: dict[str, tuple[int, float]] = {}
        self.sizes: dict[str, int] = {}
        self.count = 0

    @rule(key=st.sampled_from("abcde"), size=st.integers(0, 30))
    def put(self, key: str, size: int) -> None:
        """An answer comes; it can be had at once."""
        self.count += 1
        self.copies.put(key, self.count, b"x" * size)
        self.last[key] = (self.count, self.clock.now)
        found = self.copies.fresh(key)
        assert found is not None
        assert found.value == self.count

    @rule(key=st.sampled_from("abcde"))
    def ask(self, key: str) -> None:
        """What is given is the last that came, and not too old for what it is given for."""
        for copy, oldest in ((self.copies.fresh(key), self.fresh_for), (self.copies.stale(key), self.stale_for)):
            if copy is not None:
                assert (copy.value, copy.at) == self.last[key]
                assert self.copies.age(copy.at) < oldest

    @rule(seconds=st.floats(-2, 6))
    def wait(self, seconds: float) -> None:
        """Time passes, or the wall's clock is set back."""
        self.clock.now += seconds

    @invariant()
    def bounded(self) -> None:
        """Neither too many nor too large."""
        assert len(self.copies) <= self.most
        assert self.copies.size <= self.most_bytes
        assert self.copies.size == sum(len(copy.body) for copy in self.copies._copies.values())


TestCopies = CopiesMachine.TestCase
TestCopies.settings = settings(max_examples=100, stateful_step_count=50, deadline=None, database=None)


def test_the_oldest_copy_goes_first() -> None:
    """And one that was renewed is not the oldest."""
    copies: Copies[str] = Copies(fresh_for=1, stale_for=1, most=2)
    for key in ("a", "b", "a", "c"):
        copies.put(key, key, b"")
    found: Callable[[str], bool] = lambda key: copies.stale(key) is not None  # noqa: E731
    assert [key for key in "abc" if found(key)] == ["a", "c"]
