"""The state machines of `chassis.upstream`, by example and by property: their clock and their luck come from here."""

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chassis.upstream import NAMES, UnknownMechanism, without
from chassis.upstream import deadline as deadlines
from chassis.upstream.backoff import Backoff
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


def test_a_budget_spends_one_by_one() -> None:
    """Each spend takes one token and no more; what is earned beyond `most` is lost."""
    budget = Budget(0.5, start=3, most=2)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    for _ in range(3):
        budget.deposit()
    assert [budget.spend(), budget.spend()] == [True, False]
    for _ in range(9):
        budget.deposit()
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_the_quantile_is_renewed_now_and_then() -> None:
    """First when there are `least` values, then after each `every`, of the last `size`."""
    moving = MovingQuantile(0.5, size=4, least=3, every=4)
    seen = []
    for value in (9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0):
        moving.add(value)
        seen.append(moving.value)
    assert seen == [None, None, 8, 8, 8, 8, 4, 4]


def test_a_deadline_is_told_rounded_down() -> None:
    """In whole milliseconds, so that the callee never takes longer; 0 once it has passed."""
    clock = Clock()
    deadline = Deadline.after(1.2568, clock)
    assert deadline.header() == "1256"
    clock.now += 1.2
    assert deadline.header() == "56"
    clock.now += 5
    assert (deadline.remaining(), deadline.header()) == (0, "0")


def test_a_long_deadline_is_read() -> None:
    """Up to seven digits, which is almost three hours; the header's name is what other services know."""
    assert (deadlines.HEADER, deadlines.read("9" * 7)) == ("X-Deadline-Ms", 9999.999)


class ExactCopiesMachine(RuleBasedStateMachine):
    """The copies are exactly those that a list, oldest first, would hold: none is missing that fits and is young."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.copies: Copies[int] = Copies(fresh_for=1.0, stale_for=10.0, most=3, most_bytes=40, clock=self.clock)
        # (key, value, size, when it came)
        self.expected: list[tuple[str, int, int, float]] = []
        self.count = 0

    @rule(
        key=st.sampled_from("abcde"),
        size=st.sampled_from([0, 10, 20, 21, 40, 41]),
        age=st.sampled_from([None, 0.5, 5.0]),
    )
    def put(self, key: str, size: int, age: float | None) -> None:
        """An answer comes: now, or it came to another process a moment ago."""
        self.count += 1
        at = self.clock.now - (age or 0.0)
        copy = self.copies.put(key, self.count, bytes(size), None if age is None else at)
        assert (copy.value, copy.body, copy.at) == (self.count, bytes(size), at)
        self.expected = [each for each in self.expected if each[0] != key] + [(key, self.count, size, at)]
        while len(self.expected) > 3 or sum(each[2] for each in self.expected) > 40:
            del self.expected[0]

    @rule(seconds=st.sampled_from([-1.0, 0.5, 1.0, 5.0, 10.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, or the wall's clock is set back."""
        self.clock.now += seconds

    @invariant()
    def holds_what_it_should(self) -> None:
        """Fresh before one second, usable before ten, by the age that is never negative."""
        now = self.clock.now
        for limit, found in ((1.0, self.copies.fresh), (10.0, self.copies.stale)):
            young = {key: value for key, value, _, at in self.expected if max(0.0, now - at) < limit}
            assert {key: copy.value for key in "abcde" if (copy := found(key)) is not None} == young
        assert len(self.copies) == len(self.expected)
        assert self.copies.size == sum(each[2] for each in self.expected)
        assert [self.copies.age(at) for *_, at in self.expected] == [max(0.0, now - at) for *_, at in self.expected]


TestExactCopies = ExactCopiesMachine.TestCase
TestExactCopies.settings = settings(max_examples=100, stateful_step_count=30, deadline=None, database=None)
