"""What a workload is to the command line."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench import ROOT
from bench.cores import Cores
from bench.results import Result

# `make bench` makes both: ours is the development venv, peers have one of their own (see deploy/bench-venv).
PYTHON = ROOT / ".venv" / "bin" / "python"
PEER_PYTHON = ROOT / ".cache" / "bench-venv" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Plan:
    """How thorough a run is: `rounds` of ABBA turns, `seconds` a measurement; `short` for `make bench-check`."""

    cores: Cores
    rounds: int = 5
    seconds: float = 1.0
    short: bool = False
    say: Callable[[str], None] = lambda words: None


@dataclass(frozen=True, slots=True)
class Workload:
    """`name` is what `W=` takes; `run` measures all contestants and returns tables and verdicts.

    `prepare`, if given, is awaited once before and may return an async function that clears up.
    """

    name: str
    title: str
    run: Callable[[Plan], Awaitable[Result]]
    in_check: bool = False


def peer_python() -> Path:
    """The interpreter of the peers' venv, or ours where there is none (then peers that need more cannot start)."""
    return PEER_PYTHON if PEER_PYTHON.exists() else PYTHON
