"""What the contestants need and nobody measures with them: databases and the mock upstream, on the other core."""

import contextlib
import os
from collections.abc import AsyncIterator

import psutil

from bench.contestant import Contestant, Server
from bench.cores import Cores, pin_tree
from bench.cpu import Tree
from bench.errors import BenchError
from bench.workload import PYTHON


def databases(cores: Cores) -> dict[str, Tree]:
    """PostgreSQL and Valkey of `python -m devstack exec`, moved to the other core, by `postgres` and `valkey`.

    Raises `BenchError` where this process does not run under it.
    """
    found = {}
    for sibling in psutil.Process(os.getppid()).children():
        name = next((name for name in ("postgres", "valkey") if name in sibling.name()), None)
        if name is not None:
            pin_tree(sibling.pid, cores.rest)
            found[name] = Tree(sibling.pid)
    if len(found) != 2 or "DATABASE_URL" not in os.environ:
        raise BenchError("no databases: start it as `make bench`, or under `python -m devstack exec`")
    return found


@contextlib.asynccontextmanager
async def upstream(cores: Cores) -> AsyncIterator[Server]:
    """mock-upstream, answering at once; its address is what `UPSTREAM_URL` has to be."""
    mock = Contestant(
        "mock-upstream",
        (str(PYTHON), "-m", "mock_upstream"),
        "",
        env={"HOST": "127.0.0.1", "PORT": "{port}", "LOG_LEVEL": "warning"},
    )
    server = await Server.start(mock, cores.rest)
    try:
        yield server
    finally:
        await server.stop()
