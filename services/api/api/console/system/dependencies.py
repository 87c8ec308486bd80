"""Whether what the services depend on answers, and how fast."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
from django.conf import settings

from chassis import database, http_client, redis
from chassis.errors import translate

TIMEOUT = 0.8


class Dependency(msgspec.Struct):
    """`ms` is how long the answer took, None where none came; `reason` says why then."""

    name: str
    ok: bool
    ms: float | None
    reason: str | None = None


async def all_of_them() -> list[Dependency]:
    """PostgreSQL, Redis and the upstream, asked at once; takes `TIMEOUT` seconds at most."""
    return list(
        await asyncio.gather(
            _ask("postgresql", database.ping), _ask("redis", _ping_redis), _ask("upstream", _ask_upstream)
        )
    )


async def _ask(name: str, question: Callable[[], Awaitable[None]]) -> Dependency:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT):
            await question()
    except TimeoutError:
        return Dependency(name, ok=False, ms=None, reason=f"no answer within {TIMEOUT:g} s")
    except Exception as error:
        known = translate(error)
        if known is None and not isinstance(error, OSError):
            raise
        return Dependency(name, ok=False, ms=None, reason=known.message if known else "not reachable")
    return Dependency(name, ok=True, ms=round((time.perf_counter() - started) * 1000, 2))


async def _ping_redis() -> None:
    await redis.client().ping()


async def _ask_upstream() -> None:
    async with http_client.client().get(f"{settings.UPSTREAM_URL}/health") as answer:
        await answer.read()
