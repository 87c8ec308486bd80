"""How the whole stack stands, in one answer: the metrics of every process, its dependencies, the newest traces.

However many people watch, a process asks the others once a second; each of them has `TIMEOUT` seconds.
"""

import asyncio
import time
from collections.abc import Iterable

import aiohttp
import msgspec
from django.conf import settings

from api.console.system import dependencies
from api.console.system.dependencies import Dependency
from api.console.system.exposition import samples
from api.console.system.figures import Figures, figures_of
from api.console.system.targets import Addresses, Endpoint, Target, parse
from chassis import http_client
from coalescing import SingleFlight
from rooms.hub.traces import Trace

TIMEOUT = 0.8
KEPT_SECONDS = 0.9


class Process(msgspec.Struct):
    """A process, or the workers behind one port; `figures` are None and `reason` says why where it does not answer."""

    name: str
    kind: str
    figures: Figures | None
    reason: str | None = None


class Delivered(msgspec.Struct):
    """A message's way to the sockets of process `by`."""

    by: str
    trace: Trace


class Snapshot(msgspec.Struct):
    """`at` is when everybody was asked, in seconds since 1970, `took_ms` how long everybody's answers took."""

    at: float
    took_ms: float
    processes: list[Process]
    dependencies: list[Dependency]
    deliveries: list[Delivered]


class Observer:
    """Takes snapshots, one at a time, and keeps each for about a second."""

    def __init__(self) -> None:
        self._addresses = Addresses()
        self._flights: SingleFlight[tuple[str, ...], bytes] = SingleFlight()
        self._kept: tuple[tuple[str, ...], float, bytes] = ((), 0.0, b"")

    async def newest(self, targets: Iterable[str]) -> bytes:
        """A snapshot as JSON, at most a second old. `targets` are those of `CONSOLE_TARGETS`."""
        asked = tuple(targets)
        key, until, kept = self._kept
        if key == asked and time.monotonic() < until:
            return kept
        return await self._flights.ask(asked, lambda: self._take(asked))

    async def _take(self, targets: tuple[str, ...]) -> bytes:
        # When the metrics are read, not when the slowest has answered: rates are made of it.
        at = time.time()
        began, until = time.perf_counter(), time.monotonic() + KEPT_SECONDS
        asked, depends = await asyncio.gather(
            asyncio.gather(*(self._ask(parse(target)) for target in targets)), dependencies.all_of_them()
        )
        answers = [answer for answered in asked for answer in answered]
        snapshot = Snapshot(
            at,
            round((time.perf_counter() - began) * 1000, 1),
            [process for process, _ in answers],
            depends,
            [delivered for _, deliveries in answers for delivered in deliveries],
        )
        encoded = msgspec.json.encode(snapshot)
        # From its beginning, so that whoever asks once a second gets a new one each time.
        self._kept = targets, until, encoded
        return encoded

    async def _ask(self, target: Target) -> list[tuple[Process, list[Delivered]]]:
        try:
            async with asyncio.timeout(TIMEOUT):
                endpoints = await self._addresses.endpoints(target)
        except (OSError, TimeoutError):
            return [(Process(target.name, target.kind, None, f"nobody knows {target.host}"), [])]
        return list(await asyncio.gather(*map(_ask_process, endpoints)))


async def _ask_process(endpoint: Endpoint) -> tuple[Process, list[Delivered]]:
    name, kind = endpoint.label, endpoint.target.kind
    try:
        async with asyncio.timeout(TIMEOUT):
            figures, deliveries = await asyncio.gather(_figures(endpoint), _deliveries(endpoint))
    except TimeoutError:
        return Process(name, kind, None, f"no answer within {TIMEOUT:g} s"), []
    except aiohttp.ClientResponseError as error:
        return Process(name, kind, None, f"answers {error.status}"), []
    except (aiohttp.ClientError, OSError):
        return Process(name, kind, None, "not reachable"), []
    except (KeyError, ValueError):
        # A process of another release, which is rolled out just now.
        return Process(name, kind, None, "answers what is not understood"), []
    return Process(name, kind, figures), deliveries


async def _figures(endpoint: Endpoint) -> Figures:
    return figures_of(samples((await _read(endpoint, "/metrics")).decode()))


async def _deliveries(endpoint: Endpoint) -> list[Delivered]:
    if not settings.DEMO or endpoint.target.kind != "realtime":
        return []
    traces = msgspec.json.decode(await _read(endpoint, "/traces"), type=list[Trace])
    return [Delivered(endpoint.label, trace) for trace in traces]


async def _read(endpoint: Endpoint, path: str) -> bytes:
    async with http_client.client().get(endpoint.url(path), raise_for_status=True) as answer:
        return await answer.read()


observer = Observer()
