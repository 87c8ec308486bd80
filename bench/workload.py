"""What a workload is to the command line."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench import ROOT
from bench.contestant import Contestant
from bench.cores import Cores
from bench.results import Result

# `make bench` makes both: ours is the development venv, peers have one of their own (see scripts/bench-venv).
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

    def chosen(self, contestants: Sequence[Contestant], compared: Sequence[str]) -> list[Contestant]:
        """All of them; in a short run ours and those that are compared with."""
        return [one for one in contestants if not self.short or one.kind == "ours" or one.name in compared]


@dataclass(frozen=True, slots=True)
class Workload:
    """`name` is what `W=` takes; `run` measures all contestants and returns tables and verdicts.

    `in_check` has `make bench-check` run it too.
    """

    name: str
    title: str
    run: Callable[[Plan], Awaitable[Result]]
    in_check: bool = False
