"""How long an answer takes: a fixed time, or a draw from a distribution. Times are milliseconds."""

from dataclasses import asdict, dataclass, fields
from random import Random

from mock_upstream.errors import InvalidFieldError
from mock_upstream.fields import choice, number, table

# Longer than any client's patience, short enough that a forgotten setting frees its connections.
MAX_MS = 60_000
MAX_SIGMA = 5

_BOUNDS: dict[str, int] = {"sigma": MAX_SIGMA, "tail_rate": 1}


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always `ms`."""

    ms: float

    def sample(self, _random: Random) -> float:
        return self.ms


@dataclass(frozen=True, slots=True)
class Uniform:
    """Anything from `low_ms` to `high_ms`, equally likely."""

    low_ms: float
    high_ms: float

    def sample(self, random: Random) -> float:
        return random.uniform(self.low_ms, self.high_ms)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """The shape real services have: half of the draws are below `median_ms`, few are far above it."""

    median_ms: float
    sigma: float

    def sample(self, random: Random) -> float:
        return min(self.median_ms * random.lognormvariate(0.0, self.sigma), MAX_MS)


@dataclass(frozen=True, slots=True)
class Tail:
    """`ms`, but `tail_ms` for the share `tail_rate` of the requests: what hedging is for."""

    ms: float
    tail_rate: float
    tail_ms: float

    def sample(self, random: Random) -> float:
        return self.tail_ms if random.random() < self.tail_rate else self.ms


@dataclass(frozen=True, slots=True)
class LogNormalTail:
    """A real service with a real tail: `tail_ms` for the share `tail_rate` of the requests, log-normal for the rest."""

    median_ms: float
    sigma: float
    tail_rate: float
    tail_ms: float

    def sample(self, random: Random) -> float:
        usual = LogNormal(self.median_ms, self.sigma).sample(random)
        return self.tail_ms if random.random() < self.tail_rate else usual


type Latency = Fixed | Uniform | LogNormal | Tail | LogNormalTail

KINDS: dict[str, type[Latency]] = {
    "fixed": Fixed,
    "uniform": Uniform,
    "lognormal": LogNormal,
    "tail": Tail,
    "lognormal_tail": LogNormalTail,
}


def parse_latency(value: object, key: str) -> Latency:
    """Latency from `{"kind": ..., <the kind's fields>}`; every field of the kind is required.

    Raises InvalidFieldError.
    """
    if not isinstance(value, dict):
        raise InvalidFieldError(f"{key} must be null or an object with a kind")
    kind = KINDS[choice(value.get("kind"), f"{key}.kind", KINDS)]
    names = [field.name for field in fields(kind)]
    given = table(value, key, ["kind", *names])
    read = {name: number(given.get(name), f"{key}.{name}", 0, _BOUNDS.get(name, MAX_MS)) for name in names}
    latency = kind(**read)
    if isinstance(latency, Uniform) and latency.low_ms > latency.high_ms:
        raise InvalidFieldError(f"{key}.low_ms must be from 0 to {key}.high_ms")
    return latency


def latency_as_json(latency: Latency) -> dict[str, object]:
    """What parse_latency reads."""
    kind = next(name for name, known in KINDS.items() if isinstance(latency, known))
    return {"kind": kind, **asdict(latency)}
