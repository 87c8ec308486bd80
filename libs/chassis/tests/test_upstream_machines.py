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
