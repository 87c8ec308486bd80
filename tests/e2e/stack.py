"""Where the stack is and who may sign in: the environment only, so the suite runs against any deployment.

Behind a gateway `API_URL` and `REALTIME_URL` are one origin; `ORIGIN` is what a browser would send there.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx

# A stack that was started a moment ago may still be on its way up.
START_DEADLINE = float(os.environ.get("E2E_START_SECONDS", "30"))


def _url(name: str, default: str) -> str:
    return (os.environ.get(name) or default).rstrip("/")


def _direct(realtime: str) -> tuple[str, ...]:
    given = [url.strip().rstrip("/") for url in os.environ.get("REALTIME_URLS", "").split(",")]
    urls = [url for url in given if url]
    # Without direct addresses two connections to the one address may or may not meet two processes.
    return tuple(urls) if len(urls) >= 2 else (realtime, realtime)


@dataclass(frozen=True, slots=True)
class Login:
    """A demo user."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Addresses of one deployment, without a trailing slash."""

    api: str
    realtime: str
    realtime_processes: tuple[str, ...]
    upstream: str
    origin: str
    demo: Login
    staff: Login


def from_environment() -> Stack:
    """The deployment that the environment names; by default the one of `make run`."""
    environ = os.environ
    api = _url("API_URL", "http://127.0.0.1:8000")
    realtime = _url("REALTIME_URL", "ws://127.0.0.1:8001")
    scheme, host, *_ = urlsplit(api)
    return Stack(
        api=api,
        realtime=realtime,
        realtime_processes=_direct(realtime),
        upstream=_url("UPSTREAM_URL", "http://127.0.0.1:8002"),
        origin=_url("ORIGIN", f"{scheme}://{host}"),
        demo=Login(environ.get("DEMO_USER", "ada"), environ.get("DEMO_PASSWORD", "millrace-ada")),
        staff=Login(environ.get("STAFF_USER", "grace"), environ.get("STAFF_PASSWORD", "millrace-grace")),
    )


def realtime_health(url: str) -> str:
    """A path below `url` that realtime answers behind any gateway: the WebSocket's own, asked without an upgrade."""
    scheme, host, path, *_ = urlsplit(url)
    return urlunsplit(("https" if scheme == "wss" else "http", host, f"{path}/ws/chat/lobby/", "", ""))


async def wait_until_up(stack: Stack, *, sockets: bool = True) -> list[str]:
    """Waits for every address; returns a sentence for each that did not answer within `START_DEADLINE` seconds."""
    asked = {
        f"the api at {stack.api} (API_URL)": (f"{stack.api}/health/startup", range(200, 300)),
        f"the mock upstream at {stack.upstream} (UPSTREAM_URL)": (f"{stack.upstream}/health", range(200, 300)),
    }
    for url in dict.fromkeys((stack.realtime, *stack.realtime_processes)) if sockets else ():
        # Any answer of the server itself will do (426, 400, 404); 502-504 are a gateway with no service behind it.
        asked[f"realtime at {url} (REALTIME_URL, REALTIME_URLS)"] = (realtime_health(url), range(100, 500))
    async with httpx.AsyncClient(timeout=5) as client:
        answers = await asyncio.gather(*(_answers(client, url, good) for url, good in asked.values()))
    return [f"{name} did not answer: {why}" for name, why in zip(asked, answers, strict=True) if why is not None]


async def _answers(client: httpx.AsyncClient, url: str, good: Sequence[int]) -> str | None:
    deadline = time.monotonic() + START_DEADLINE
    while True:
        try:
            status = (await client.get(url)).status_code
            if status in good:
                return None
            why = f"{url} says {status}"
        except httpx.HTTPError as error:
            why = f"{url}: {type(error).__name__}"
        if time.monotonic() > deadline:
            return why
        await asyncio.sleep(0.2)
