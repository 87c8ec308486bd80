"""What a scenario is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.contestant import Kind
from bench.mock import RESOURCES

type Faults = Mapping[str, Mapping[str, Any]]

# The shape that real services have: half of the answers within 20 ms, one of a hundred after more than 60.
LATENCY = {"kind": "lognormal", "median_ms": 20, "sigma": 0.5}


def everywhere(**fault: Any) -> Faults:
    """All three upstreams, as usual but for `fault`."""
    return {name: {"latency": LATENCY, **fault} for name in RESOURCES}


def at_orders(**fault: Any) -> Faults:
    """The upstream of the orders, and as usual the others."""
    return {**everywhere(), "orders": {"latency": LATENCY, **fault}}


HEALTHY = everywhere()


@dataclass(frozen=True, slots=True)
class Variant:
    """An api that does without some mechanisms; `kind` is how it is drawn."""

    name: str
    without: Sequence[str] = ()
    kind: Kind = "peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`timeline`: faults, and the seconds after the beginning at which each begins. `load_of`: whose load is shown.

    `rate` requests a second arrive for `seconds`, whatever becomes of them, for the first 1 to `keys` rows in any
    order; or `herd` requests for the same, all at once.
    """

    name: str
    title: str
    about: str
    timeline: Sequence[tuple[float, Faults]]
    variants: Sequence[Variant]
    load_of: Sequence[str] = RESOURCES
    seconds: float = 20.0
    rate: float = 40.0
    keys: int = 20
    herd: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
