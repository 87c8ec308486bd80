"""How many threads a contestant starts for its requests, counted in runs of their own (see `counting/`)."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from bench import ROOT
from bench.contestant import Contestant, Server
from bench.cores import Cores
from bench.http_turn import Operation
from bench.load.drive import closed_loop
from bench.results import Metric
from bench.rounds import Samples

THREADS = Metric("threads", "threads started per 1,000 requests")
_REQUESTS = 200
_WARM_UP = 100
_SECONDS = 60.0


def hook(folder: Path, contestant: Contestant) -> Mapping[str, str]:
    """What to add to a contestant's environment to have its threads counted into `folder`."""
    rest = contestant.env.get("PYTHONPATH") or os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, (str(ROOT / "bench" / "counting"), rest)))
    return {"BENCH_THREADS": str(folder), "PYTHONPATH": path}


def started(folder: Path) -> int:
    """Threads started so far, by all processes that count into `folder`."""
    return sum(int.from_bytes(file.read_bytes(), "little") for file in folder.iterdir())


async def census(
    contestants: Sequence[Contestant], operations: Sequence[Operation], samples: Samples, cores: Cores
) -> None:
    """Add to `samples` how many threads each contestant starts per 1,000 requests, once it is warm."""
    for contestant in contestants:
        with tempfile.TemporaryDirectory(prefix="bench-threads-") as name:
            folder = Path(name)
            server = await Server.start(contestant, cores.server, hook(folder, contestant))
            try:
                for operation in operations:
                    samples.add(
                        contestant.name, {operation.table: {THREADS.key: await _count(server, operation, folder)}}
                    )
            finally:
                await server.stop()


async def _count(server: Server, operation: Operation, folder: Path) -> float:
    before = 0
    for number in (_WARM_UP, _REQUESTS):
        before = started(folder)
        operation.before()
        requests = islice(operation.requests(), number)
        await closed_loop(server.port, requests, operation.check, wires=operation.wires, seconds=_SECONDS)
    return (started(folder) - before) * 1000 / _REQUESTS
