"""What a run is told, by environment variables: `make chaos SEED=7 DURATION=1800`."""

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`duration`: seconds of faults, about. `rate`: messages a second, all clients together. `folder`: the results.

    `containers`: the stack of the Compose project that COMPOSE_PROJECT_NAME names, which runs, through its gateway.
    `kubernetes`: the stack on the cluster that kubectl reaches, through its gateway.
    `heal`: seconds after the last fault within which everybody has everything; `strict`: claims count too.
    """

    seed: int
    duration: float
    only: str
    stock: bool
    containers: bool
    kubernetes: bool
    rate: float
    heal: float
    strict: bool
    folder: Path


def from_environment() -> Options:
    """Raises `ValueError` for what is no number."""
    given = {name: value for name, value in os.environ.items() if value}
    # Seeds are for people to type.
    seed = int(given.get("SEED", random.SystemRandom().randrange(1, 100_000)))
    stock = given.get("STOCK", "0") != "0"
    containers = given.get("CONTAINERS", "0") != "0"
    kubernetes = given.get("KUBERNETES", "0") != "0"
    kind = "stock-" if stock else "containers-" if containers else "kubernetes-" if kubernetes else ""
    name = kind + (f"seed-{seed}" if "SEED" in given else time.strftime("%Y%m%d-%H%M%S"))
    return Options(
        seed=seed,
        duration=float(given.get("DURATION", "30" if stock else "180")),
        only=given.get("ONLY", ""),
        stock=stock,
        containers=containers,
        kubernetes=kubernetes,
        rate=float(given.get("RATE", "60" if stock else "25")),
        heal=float(given.get("HEAL", "10")),
        strict=given.get("STRICT", "0") != "0",
        folder=ROOT / ".data" / "chaos" / name,
    )
