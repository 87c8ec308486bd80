"""The draws behind the faults: reproducible, within bounds, in the shares that were asked for."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from mock_upstream.faults import Faults, FaultSource, Flapping, Outcome, SlowStart
from mock_upstream.latency import MAX_MS, Fixed, LogNormal, LogNormalTail, Tail, Uniform

MS = st.floats(0, MAX_MS)
SEED = st.integers(0, 2**63 - 1)


@settings(max_examples=30, deadline=None, database=None)
@given(seed=SEED)
def test_a_seed_gives_the_same_fates(seed: int) -> None:
    """Outcomes and delays, in the same order."""
    faults = Faults(latency=LogNormal(100, 1), error_rate=0.3, hang_rate=0.3, seed=seed)
    one, other = FaultSource(faults), FaultSource(faults)
    assert [one.draw() for _ in range(20)] == [other.draw() for _ in range(20)]


def test_seeds_differ() -> None:
    """Another seed is another sequence."""
    one, other = (FaultSource(Faults(error_rate=0.5, seed=seed)) for seed in (1, 2))
    assert [one.draw() for _ in range(50)] != [other.draw() for _ in range(50)]


def test_latency_does_not_shift_the_outcomes() -> None:
    """The same requests fail, however long the answers take."""
    slow = FaultSource(Faults(latency=Fixed(5), error_rate=0.5, seed=1))
    fast = FaultSource(Faults(error_rate=0.5, seed=1))
    assert [slow.draw().outcome for _ in range(50)] == [fast.draw().outcome for _ in range(50)]


def test_rates_that_fill_the_whole_leave_no_answer() -> None:
    """Each of the four happens, and nothing else."""
    source = FaultSource(Faults(error_rate=0.25, hang_rate=0.25, reset_rate=0.25, truncate_rate=0.25, seed=1))
    outcomes = {source.draw().outcome for _ in range(200)}
    assert outcomes == {Outcome.ERROR, Outcome.HANG, Outcome.RESET, Outcome.TRUNCATE}


def test_a_rate_is_a_share_of_all_requests() -> None:
    """A second rate does not thin out the first."""
    source = FaultSource(Faults(error_rate=0.5, hang_rate=0.5, seed=1))
    errors = sum(source.draw().outcome is Outcome.ERROR for _ in range(1000))
    assert 400 < errors < 600


@settings(max_examples=50, deadline=None, database=None)
@given(low=MS, high=MS, seed=SEED)
def test_uniform_stays_between_its_bounds(low: float, high: float, seed: int) -> None:
    """Both bounds included."""
    low, high = sorted((low, high))
    assert low <= Uniform(low, high).sample(Random(seed)) <= high


@settings(max_examples=50, deadline=None, database=None)
@given(median=MS, sigma=st.floats(0, 5), seed=SEED)
def test_lognormal_is_capped(median: float, sigma: float, seed: int) -> None:
    """A rare draw never keeps a connection for hours."""
    assert 0 <= LogNormal(median, sigma).sample(Random(seed)) <= MAX_MS


def test_lognormal_has_its_median() -> None:
    """Half of the draws are on each side of it."""
    random, latency = Random(1), LogNormal(100, 1)
    below = sum(latency.sample(random) < 100 for _ in range(1000))
    assert 400 < below < 600


def test_tail_is_slow_now_and_then() -> None:
    """Two times only, the long one for about its share."""
    random, latency = Random(1), Tail(10, 0.1, 900)
    draws = [latency.sample(random) for _ in range(1000)]
    assert set(draws) == {10, 900}
    assert 50 < draws.count(900) < 150


def test_lognormal_with_a_tail_is_both() -> None:
    """The long time for about its share, and the usual spread for the rest."""
    random, latency = Random(1), LogNormalTail(20, 0.5, 0.1, 900)
    draws = [latency.sample(random) for _ in range(1000)]
    usual = [draw for draw in draws if draw != 900]
    assert 50 < draws.count(900) < 150
    assert 0.4 < sum(draw < 20 for draw in usual) / len(usual) < 0.6


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_flapping_goes_by_turns() -> None:
    """Up first, then down, and up again, however many requests come."""
    clock = Clock()
    source = FaultSource(Faults(flapping=Flapping(up_ms=2000, down_ms=1000)), clock)
    seen = []
    for elapsed in (0, 1.9, 2.1, 2.9, 3.1, 4.9, 5.1):
        clock.now = 100 + elapsed
        seen.append(source.draw().outcome is Outcome.ERROR)
    assert seen == [False, False, True, True, False, False, True]


def test_a_slow_start_gets_faster() -> None:
    """All of the delay at first, half of it half-way, and none from then on."""
    clock = Clock()
    source = FaultSource(Faults(slow_start=SlowStart(ms=800, for_ms=4000)), clock)
    delays = []
    for elapsed in (0, 2, 4, 60):
        clock.now = 100 + elapsed
        delays.append(round(source.draw().delay_s, 3))
    assert delays == [0.8, 0.4, 0, 0]
