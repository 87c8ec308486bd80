"""`stop`, `status`, `urls`: a look at, and an end to, the stack that holds the data directory."""

import asyncio
import time
from typing import Any

import psutil

from devstack.health import healthy
from devstack.output import Output, StackError
from devstack.state import DataDirectory, end_leftovers
from devstack.system import runs

NOT_RUNNING = 3
_PATIENCE = 60.0


async def stop(directory: DataDirectory, out: Output, *, patience: float = 10.0) -> int:
    """Asks the runner to stop and waits until it has; fine where none runs.

    What a killed runner left has `patience` seconds to end by itself.
    """
    pid = directory.holder()
    if pid is None:
        await end_leftovers(directory.read_state(), out.say, patience)
        out.say("Millrace does not run")
        return 0
    began = time.monotonic()
    try:
        runner = psutil.Process(pid)
        runner.terminate()
    except psutil.NoSuchProcess:  # it ended this instant
        return 0
    while runs(runner):
        if time.monotonic() - began > _PATIENCE:
            raise StackError(f"the runner (pid {pid}) did not stop within {_PATIENCE:g} s")
        await asyncio.sleep(0.05)
    out.say(f"stopped after {time.monotonic() - began:.1f} s")
    return 0


async def status(directory: DataDirectory, out: Output) -> int:
    """The table of processes. 0 where all are healthy, 1 where not, 3 where nothing runs."""
    pid = directory.holder()
    if pid is None:
        out.say("Millrace does not run; `make run` starts it")
        return NOT_RUNNING
    state = directory.read_state()
    entries = state.get("services", [])
    well = await asyncio.gather(*(_is_well(entry) for entry in entries))
    out.table(
        (_row(entry, healthy=is_well) for entry, is_well in zip(entries, well, strict=True)),
        header=("Name", "PID", "Port", "Health", "Uptime", "Restarts"),
    )
    if job := state.get("daily"):
        out.say(f"\n  daily job: {_daily(job)}")
    if not state.get("ready"):
        out.say("\nit is starting or stopping")
        return 1
    return 0 if all(well) else 1


async def urls(directory: DataDirectory, out: Output) -> int:
    """Its addresses as `export NAME=value` lines, for a shell to evaluate."""
    state = directory.read_state()
    if directory.holder() is None or not state.get("ready"):
        raise StackError("no stack runs; start one with `make run`, or set API_URL, REALTIME_URL and UPSTREAM_URL")
    for name, value in state["urls"].items():
        out.say(f"export {name}={value}")
    return 0


async def _is_well(entry: dict[str, Any]) -> bool:
    return entry["pid"] is not None and await healthy(entry["health"])


def _row(entry: dict[str, Any], *, healthy: bool) -> tuple[str, ...]:
    uptime = _duration(time.time() - entry["started_at"]) if entry["pid"] else "-"
    health = "ok" if healthy else "failing" if entry["pid"] else "down"
    return entry["name"], str(entry["pid"] or "-"), str(entry["port"]), health, uptime, str(entry["restarts"])


def _daily(job: dict[str, Any]) -> str:
    """When it ran and how, and when it runs next; it is no service, so a failure is said and changes no exit code."""
    now = time.time()
    coming = f"next in {_duration(max(0.0, job['next'] - now))}"
    if job["last"] is None:
        return f"has not run yet, {coming}"
    return f"{'failed' if job['failed'] else 'done'} {_duration(now - job['last'])} ago, {coming}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
