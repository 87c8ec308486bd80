"""`python -m api.tour.blocked`: what a second request pays while the first takes 200 ms, by three ways of taking them.

Everything runs in one process without a server, so the difference is the way of waiting and nothing else.
"""

import asyncio
import statistics
import sys
import time

import httpx
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from api.asgi import application
from chassis import lifespan

SECONDS = 0.2
ROUNDS = 20


async def blocking(request: HttpRequest) -> HttpResponse:
    """The mistake: the event loop stands still, and with it every request of this process."""
    time.sleep(SECONDS)  # noqa: ASYNC251 - the mistake is what is measured
    return HttpResponse()


async def waiting(request: HttpRequest) -> HttpResponse:
    """The way of an async view."""
    await asyncio.sleep(SECONDS)
    return HttpResponse()


def on_a_thread(request: HttpRequest) -> HttpResponse:
    """The way of code that has to block: a synchronous view, on a thread."""
    time.sleep(SECONDS)
    return HttpResponse()


async def quick(request: HttpRequest) -> HttpResponse:
    """The second request."""
    return HttpResponse()


WAYS = {
    "time.sleep in an async view": "/blocking/",
    "asyncio.sleep in an async view": "/waiting/",
    "time.sleep in a sync view": "/on-a-thread/",
}
urlpatterns = [
    path("blocking/", blocking),
    path("waiting/", waiting),
    path("on-a-thread/", on_a_thread),
    path("quick/", quick),
]


async def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """The median time of the second request in milliseconds, for each way that the first one waits."""
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        await client.get("/quick/")
        return {
            way: statistics.median([await _second(client, slow) for _ in range(rounds)]) for way, slow in WAYS.items()
        }


async def _second(client: httpx.AsyncClient, slow: str) -> float:
    first = asyncio.create_task(client.get(slow))
    started = time.perf_counter()
    # The first request goes first: it was scheduled before this one.
    await asyncio.sleep(0)
    await client.get("/quick/")
    ms = (time.perf_counter() - started) * 1000
    await first
    return ms


def table(measured: dict[str, float]) -> str:
    """A line for each way."""
    return "".join(f"{way:32} a second request takes {ms:7.2f} ms\n" for way, ms in measured.items())


async def run() -> dict[str, float]:
    """`measure` in a process that was started properly, with its resources open."""
    async with lifespan.running():
        return await measure()


def main() -> None:
    """Measure and print."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["localhost"]
    sys.stdout.write(table(asyncio.run(run())))


if __name__ == "__main__":
    main()
