"""The demo's faults: Redis answers nobody for some seconds; a realtime process is killed.

Redis pauses by itself and goes on by itself. A process is killed by the runner that supervises it
(`devstack/devstack/faults.py`), line by line over a Unix socket whose path is `FAULTS_SOCKET`: a request and its
answer, both JSON. In containers there is no such runner, and no such socket.
"""

import asyncio

import msgspec
from django.conf import settings

from chassis.errors import Conflict, Forbidden, NotFound, Unavailable
from chassis.redis import UNAVAILABLE, client

TIMEOUT = 3.0
PAUSE_SECONDS = 5
PAUSE_REDIS = "pause-redis"
KILL_REALTIME = "kill-realtime"


class Done(msgspec.Struct):
    """What was done: `said` is a sentence for people; or `error`, where the runner did nothing."""

    said: str = ""
    error: str = ""


def offered() -> list[str]:
    """The faults that can be caused here."""
    if not settings.DEMO:
        return []
    return [PAUSE_REDIS, KILL_REALTIME] if settings.FAULTS_SOCKET else [PAUSE_REDIS]


async def cause(fault: str) -> Done:
    """Cause a fault.

    Raises `Forbidden` where this is no demo, `NotFound` for a fault that cannot be caused here, `Conflict` where the
    same is under way, and `Unavailable` where the runner does not answer.
    """
    if not settings.DEMO:
        raise Forbidden("Faults are for the demo only")
    if fault == PAUSE_REDIS:
        return await _pause_redis()
    if fault != KILL_REALTIME:
        raise NotFound("There is no such fault")
    if not settings.FAULTS_SOCKET:
        raise NotFound("Nothing here can kill a process: they are not supervised by `make run`")
    return await _kill_realtime()


async def _pause_redis() -> Done:
    try:
        async with asyncio.timeout(TIMEOUT):
            # Of all commands, not of writes only.
            await client().execute_command("CLIENT PAUSE", int(PAUSE_SECONDS * 1000), "ALL")  # type: ignore[no-untyped-call]
    except UNAVAILABLE as error:
        raise Conflict("Redis is already paused, or away") from error
    return Done(f"Redis answers nobody for {PAUSE_SECONDS} seconds")


async def _kill_realtime() -> Done:
    try:
        async with asyncio.timeout(TIMEOUT):
            done = await _ask_runner({"fault": KILL_REALTIME})
    except (OSError, TimeoutError, EOFError, msgspec.DecodeError) as error:
        raise Unavailable("The runner does not answer") from error
    if done.error:
        raise Conflict(done.error)
    return done


async def _ask_runner(request: dict[str, str]) -> Done:
    reader, writer = await asyncio.open_unix_connection(settings.FAULTS_SOCKET)
    try:
        writer.write(msgspec.json.encode(request) + b"\n")
        await writer.drain()
        return msgspec.json.decode(await reader.readuntil(b"\n"), type=Done)
    finally:
        writer.close()
