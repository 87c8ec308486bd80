"""Which faults come when: chosen by the seed before the run begins, so that the same seed does the same."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from tests.chaos.nemeses import NEMESES

# Seconds that a step takes beside its faults: until all is healthy again, and a pause to tell one from the next.
_OVERHEAD = 2.5
_LEAST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a step: how long, and how long after the step's start."""

    name: str
    seconds: float
    after: float = 0.0


type Step = tuple[Fault, ...]


class Plan(NamedTuple):
    """`required` whatever the time; `optional` while there is some left."""

    required: list[Step]
    optional: list[Step]


class UnknownFault(ValueError):
    """`ONLY` names a fault that does not exist."""


def planned(rng: random.Random, duration: float, only: str = "") -> Plan:
    """The steps for about so many seconds: each fault by itself, then random pairs. At least each fault once.

    `only` is a list of names: `redis-kill,postgres-freeze`, and `redis-kill+api-term` for a pair. Scenarios come where
    they are named, or where there is time for all of them.
    """
    required = _named(rng, only) if only else _everything(rng, duration)
    left = duration - sum(map(_length, required))
    optional = []
    for step in _more(rng, only):
        left -= _length(step)
        if left < 0:
            break
        optional.append(step)
    return Plan(required, optional)


def _everything(rng: random.Random, duration: float) -> list[Step]:
    short = [name for name, nemesis in NEMESES.items() if not nemesis.scenario]
    rng.shuffle(short)
    # Early: the server takes up to 50 s to notice, and the end of the run looks at what is left.
    short.sort(key=lambda name: name != "half-open")
    steps = [_step(rng, name) for name in short]
    pairs = _pairs(rng)
    steps += [next(pairs) for _ in range(_LEAST_PAIRS)]
    scenarios = [_step(rng, name) for name, nemesis in NEMESES.items() if nemesis.scenario]
    if duration > 2 * sum(map(_length, [*steps, *scenarios])):
        steps += scenarios
    return steps


def _named(rng: random.Random, only: str) -> list[Step]:
    steps = []
    for words in only.split(","):
        names = [name.strip() for name in words.split("+")]
        for name in names:
            if name not in NEMESES:
                raise UnknownFault(f"there is no fault {name!r}; there are {', '.join(NEMESES)}")
        steps.append(_step(rng, *names))
    return steps


def _more(rng: random.Random, only: str) -> Iterator[Step]:
    if not only:
        yield from _pairs(rng)
    elif not any(NEMESES[fault.name].scenario for step in _named(rng, only) for fault in step):
        while True:
            yield from _named(rng, only)


def _pairs(rng: random.Random) -> Iterator[Step]:
    """Pairs of different targets, without an end; all of them before one comes again."""
    apart = [
        (first, second)
        for first, second in combinations(NEMESES, 2)
        if NEMESES[first].target != NEMESES[second].target and _may_pair(first) and _may_pair(second)
    ]
    while True:
        rng.shuffle(apart)
        for names in apart:
            yield _step(rng, *names)


def _may_pair(name: str) -> bool:
    return NEMESES[name].paired and not NEMESES[name].scenario


def _step(rng: random.Random, *names: str) -> Step:
    return tuple(
        Fault(name, round(rng.uniform(*NEMESES[name].seconds), 1), round(rng.uniform(0, 1.5), 1) if place else 0.0)
        for place, name in enumerate(names)
    )


def _length(step: Sequence[Fault]) -> float:
    return _OVERHEAD + max(fault.after + fault.seconds for fault in step)
