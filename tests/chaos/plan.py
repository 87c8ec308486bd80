"""Which faults come when: chosen by the seed before the run begins, so that the same seed does the same."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import NamedTuple

from tests.chaos.nemeses import NEMESES, Nemeses

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


def planned(rng: random.Random, duration: float, only: str = "", nemeses: Nemeses = NEMESES) -> Plan:
    """The steps for about so many seconds: each fault by itself, then random pairs. At least each fault once.

    `only` is a list of names: `redis-kill,postgres-freeze`, and `redis-kill+api-term` for a pair. Scenarios come where
    they are named, or where there is time for all of them.
    """
    required = _named(rng, only, nemeses) if only else _everything(rng, duration, nemeses)
    left = duration - sum(map(_length, required))
    optional = []
    for step in _more(rng, only, nemeses):
        left -= _length(step)
        if left < 0:
            break
        optional.append(step)
    return Plan(required, optional)


def _everything(rng: random.Random, duration: float, nemeses: Nemeses) -> list[Step]:
    short = [name for name, nemesis in nemeses.items() if not nemesis.scenario]
    rng.shuffle(short)
    # Early: the server takes up to 50 s to notice, and the end of the run looks at what is left.
    short.sort(key=lambda name: name != "half-open")
    steps = [_step(rng, nemeses, name) for name in short]
    steps += islice(_pairs(rng, nemeses), _LEAST_PAIRS)
    scenarios = [_step(rng, nemeses, name) for name, nemesis in nemeses.items() if nemesis.scenario]
    if duration > 2 * sum(map(_length, [*steps, *scenarios])):
        steps += scenarios
    return steps


def _named(rng: random.Random, only: str, nemeses: Nemeses) -> list[Step]:
    steps = []
    for words in only.split(","):
        names = [name.strip() for name in words.split("+")]
        for name in names:
            if name not in nemeses:
                raise UnknownFault(f"there is no fault {name!r}; there are {', '.join(nemeses)}")
        steps.append(_step(rng, nemeses, *names))
    return steps


def _more(rng: random.Random, only: str, nemeses: Nemeses) -> Iterator[Step]:
    if not only:
        yield from _pairs(rng, nemeses)
    elif not any(nemeses[fault.name].scenario for step in _named(rng, only, nemeses) for fault in step):
        while True:
            yield from _named(rng, only, nemeses)


def _pairs(rng: random.Random, nemeses: Nemeses) -> Iterator[Step]:
    """Pairs of different targets, without an end; all of them before one comes again."""
    able = [name for name, nemesis in nemeses.items() if nemesis.paired and not nemesis.scenario]
    apart = [pair for pair in combinations(able, 2) if nemeses[pair[0]].target != nemeses[pair[1]].target]
    while apart:
        rng.shuffle(apart)
        for names in apart:
            yield _step(rng, nemeses, *names)


def _step(rng: random.Random, nemeses: Nemeses, *names: str) -> Step:
    return tuple(
        Fault(name, round(rng.uniform(*nemeses[name].seconds), 1), round(rng.uniform(0, 1.5), 1) if place else 0.0)
        for place, name in enumerate(names)
    )


def _length(step: Sequence[Fault]) -> float:
    return _OVERHEAD + max(fault.after + fault.seconds for fault in step)
