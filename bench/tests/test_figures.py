"""Medians, ranges and percentiles."""

import pytest

from bench.figures import Figure, percentile
from bench.results import Verdict
from bench.rounds import abba


def test_abba_is_forward_then_backward() -> None:
    """So that each contestant's two turns have the same middle in time."""
    order = abba(["a", "b", "c"])
    assert order == ["a", "b", "c", "c", "b", "a"]
    middles = {name: sum(at for at, who in enumerate(order) if who == name) for name in "abc"}
    assert len(set(middles.values())) == 1


def test_a_figure_is_the_median_and_the_range() -> None:
    """Of an even number of values the median is between the two in the middle."""
    assert Figure.of([5.0, 1.0, 2.0, 4.0]) == Figure(3.0, 1.0, 5.0, 4)
    with pytest.raises(ValueError, match="no values"):
        Figure.of([])


def test_a_percentile_is_one_of_the_values() -> None:
    """The smallest that so many do not exceed."""
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1) == 100
    assert percentile([7.0], 0.99) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_verdict_is_met_at_its_target_and_not_beyond() -> None:
    """What was not measured is not met."""
    assert Verdict("a", 1.0, 1.0).ok
    assert not Verdict("a", 1.0, 1.01).ok
    assert not Verdict("a", 1.0, None).ok
    assert not Verdict("a", 3.0, 2.0, exact=True).ok
