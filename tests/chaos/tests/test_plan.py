"""What a seed chooses."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaos.nemeses import NEMESES
from tests.chaos.plan import Step, UnknownFault, planned

SHORT = {name for name, nemesis in NEMESES.items() if not nemesis.scenario}


def _steps(seed: int, duration: float, only: str = "") -> list[Step]:
    plan = planned(random.Random(seed), duration, only)
    return [*plan.required, *plan.optional]


def _names(steps: list[Step]) -> list[tuple[str, ...]]:
    return [tuple(fault.name for fault in step) for step in steps]


@given(seed=st.integers(), duration=st.floats(0, 2000))
@settings(max_examples=50, deadline=None)
def test_every_fault_comes_by_itself_and_pairs_harm_two_things(seed: int, duration: float) -> None:
    """However short the run; the same seed plans the same."""
    steps = _steps(seed, duration)
    assert steps == _steps(seed, duration)
    names = _names(steps)
    assert {step[0] for step in names if len(step) == 1} >= SHORT
    pairs = [step for step in names if len(step) == 2]
    assert len(pairs) >= 3
    assert all(NEMESES[first].target != NEMESES[second].target for first, second in pairs)


def test_a_long_run_has_the_long_outages() -> None:
    """Half an hour is enough for them, three minutes are not."""
    scenarios = NEMESES.keys() - SHORT
    assert scenarios <= {step[0] for step in _names(_steps(1, 1800))}
    assert not scenarios & {name for step in _names(_steps(1, 180)) for name in step}


def test_faults_by_name() -> None:
    """In the order given, pairs by `+`, again and again while there is time; a scenario once."""
    named = _names(_steps(1, 40, "redis-kill+api-term, postgres-freeze"))
    assert named[:3] == [("redis-kill", "api-term"), ("postgres-freeze",), ("redis-kill", "api-term")]
    assert _names(_steps(1, 500, "redis-dead")) == [("redis-dead",)]


def test_a_fault_that_does_not_exist() -> None:
    """One sentence that names those that do."""
    with pytest.raises(UnknownFault, match="there is no fault 'redis-fill'; there are redis-kill, "):
        planned(random.Random(1), 10, "redis-fill")


def test_without_pairs_a_plan_ends() -> None:
    """Faults that may not come two at once are each taken by themselves."""
    alone = {"redis-kill": replace(NEMESES["redis-kill"], paired=False)}
    assert planned(random.Random(1), 1000, nemeses=alone) == planned(random.Random(1), 0, nemeses=alone)
