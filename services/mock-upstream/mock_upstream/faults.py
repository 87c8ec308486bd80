"""What goes wrong at an endpoint, and how often."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from random import Random
from typing import Self

from mock_upstream.errors import InvalidFieldError
from mock_upstream.fields import integer, number, table
from mock_upstream.latency import MAX_MS, Latency, latency_as_json, parse_latency

MAX_BYTES_PER_SECOND = 1_000_000
MAX_SEED = 2**63 - 1
RATES = ("error_rate", "hang_rate", "reset_rate", "truncate_rate")

# Shares such as 0.7, 0.2 and 0.1 may add up to a hair more than 1.
_ROUNDING = 1e-9


class Outcome(StrEnum):
    """How a request ends; at most one of these happens to it."""

    ANSWER = "answer"
    ERROR = "error"
    HANG = "hang"
    RESET = "reset"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class Drip:
    """The body trickles out at this rate."""

    bytes_per_second: int


@dataclass(frozen=True, slots=True)
class Flapping:
    """It works for `up_ms`, then answers nothing but errors for `down_ms`, and so on, from when it was set."""

    up_ms: float
    down_ms: float

    def is_down(self, elapsed_s: float) -> bool:
        return elapsed_s * 1000 % (self.up_ms + self.down_ms) >= self.up_ms


@dataclass(frozen=True, slots=True)
class SlowStart:
    """As after a restart, with cold caches: answers take `ms` longer at first, and less and less, over `for_ms`."""

    ms: float
    for_ms: float

    def delay_s(self, elapsed_s: float) -> float:
        return self.ms * max(0.0, 1 - elapsed_s * 1000 / self.for_ms) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The settings of one endpoint. Rates are shares of all its requests and add up to at most 1."""

    latency: Latency | None = None
    error_rate: float = 0.0
    error_status: int = 503
    hang_rate: float = 0.0
    reset_rate: float = 0.0
    truncate_rate: float = 0.0
    drip: Drip | None = None
    flapping: Flapping | None = None
    slow_start: SlowStart | None = None
    seed: int | None = None

    @classmethod
    def parse(cls, value: object, key: str) -> Self:
        """Settings from decoded JSON; what is left out has its default. Raises InvalidFieldError."""
        given = table(value, key, [field.name for field in fields(cls)])
        rates = {name: number(given.get(name, 0.0), f"{key}.{name}", 0, 1) for name in RATES}
        if math.fsum(rates.values()) > 1 + _ROUNDING:
            raise InvalidFieldError(f"{key}: {', '.join(RATES)} must add up to a number from 0 to 1")
        latency, drip, seed = given.get("latency"), given.get("drip"), given.get("seed")
        return cls(
            latency=None if latency is None else parse_latency(latency, f"{key}.latency"),
            error_status=integer(given.get("error_status", 503), f"{key}.error_status", 400, 599),
            drip=None if drip is None else _parse_drip(drip, f"{key}.drip"),
            flapping=_parse_times(Flapping, given.get("flapping"), f"{key}.flapping"),
            slow_start=_parse_times(SlowStart, given.get("slow_start"), f"{key}.slow_start"),
            seed=None if seed is None else integer(seed, f"{key}.seed", 0, MAX_SEED),
            **rates,
        )

    def as_json(self) -> dict[str, object]:
        """Every key, so that what is active can be put back as it is."""
        return asdict(self) | {"latency": None if self.latency is None else latency_as_json(self.latency)}


def _parse_drip(value: object, key: str) -> Drip:
    given = table(value, key, ["bytes_per_second"])
    return Drip(integer(given.get("bytes_per_second"), f"{key}.bytes_per_second", 1, MAX_BYTES_PER_SECOND))


def _parse_times[Kind: (Flapping, SlowStart)](kind: type[Kind], value: object, key: str) -> Kind | None:
    if value is None:
        return None
    names = [field.name for field in fields(kind)]
    given = table(value, key, names)
    return kind(*(number(given.get(name), f"{key}.{name}", 1, MAX_MS) for name in names))


@dataclass(frozen=True, slots=True)
class Fate:
    """What is going to happen to one request: first the delay, then the outcome."""

    outcome: Outcome
    delay_s: float


class FaultSource:
    """Draws the fate of each request of one endpoint; the same seed gives the same fates in the same order.

    But for what depends on the time since it was made: flapping and a slow start.
    """

    def __init__(self, settings: Faults, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._clock = clock
        self._since = clock()
        self.quiet = settings == Faults(seed=settings.seed, error_status=settings.error_status)
        self._random = Random(settings.seed)  # noqa: S311 - a seed must reproduce a run; nothing here is secret

    def draw(self) -> Fate:
        """The next fate. It always takes the same kind of draws, so one setting does not shift another's luck."""
        settings, elapsed = self.settings, self._clock() - self._since
        outcome = self._outcome(self._random.random())
        delay = 0.0 if settings.latency is None else settings.latency.sample(self._random) / 1000
        if settings.flapping is not None and settings.flapping.is_down(elapsed):
            outcome = Outcome.ERROR
        if settings.slow_start is not None:
            delay += settings.slow_start.delay_s(elapsed)
        return Fate(outcome, delay)

    def _outcome(self, luck: float) -> Outcome:
        edge = 0.0
        for name in RATES:
            edge += getattr(self.settings, name)
            if luck < edge:
                return Outcome(name.removesuffix("_rate"))
        return Outcome.ANSWER
