"""One variant of a scenario: a new api, warmed up while all is well, then the faults."""

import asyncio
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import redis

from bench import peer
from bench.contestant import Server
from bench.cores import Cores
from bench.figures import percentile
from bench.lab.scenario import HEALTHY, Faults, Scenario, Variant
from bench.lab.tally import Tally
from bench.load.drive import closed_loop, open_loop
from bench.load.wire import Request, encode_request
from bench.mock import Mock

WARM_UP_SECONDS = 5.0
# As many as may wait at once where nothing bounds them.
WIRES = 800


async def run(scenario: Scenario, variant: Variant, mock: Mock, cores: Cores) -> Mapping[str, float]:
    """Its figures: shares in percent, times in milliseconds, and the upstreams' load (1: one request a leg)."""
    _forget_copies()
    mock.faults(HEALTHY)
    env = {"UPSTREAM_URL": mock.url, "GATHER_WITHOUT": ",".join(variant.without), "LOG_LEVEL": "ERROR", **scenario.env}
    server = await Server.start(peer.api(f"lab {scenario.name}", env), cores.server)
    try:
        await _warm_up(server, scenario)
        mock.reset_counters()
        return await (_herd if scenario.herd else _arrivals)(server, scenario, mock)
    finally:
        mock.faults({})
        await server.stop()


async def _warm_up(server: Server, scenario: Scenario) -> None:
    # Rows that the herd does not ask for: its first question must be new.
    requests = _requests(scenario.keys) if not scenario.herd else _requests(20, first=100)
    await open_loop(server.port, requests, Tally(), rate=scenario.rate, seconds=WARM_UP_SECONDS)


async def _arrivals(server: Server, scenario: Scenario, mock: Mock) -> Mapping[str, float]:
    tally = Tally()
    faults = asyncio.create_task(_play(scenario.timeline, mock))
    try:
        arrivals = await open_loop(
            server.port, _requests(scenario.keys), tally, rate=scenario.rate, seconds=scenario.seconds, wires=WIRES
        )
    finally:
        faults.cancel()
    return _figures(tally, arrivals.latencies, mock.requests(scenario.load_of) / len(scenario.load_of))


async def _herd(server: Server, scenario: Scenario, mock: Mock) -> Mapping[str, float]:
    tally = Tally()
    mock.faults(scenario.timeline[0][1])
    started = time.perf_counter()
    herd = islice(_requests(scenario.keys), scenario.herd)
    await closed_loop(server.port, herd, tally, wires=scenario.herd, seconds=30)
    latencies = [moment - started for moment in tally.arrived]
    return _figures(tally, latencies, mock.requests(scenario.load_of) / len(scenario.load_of))


def _figures(tally: Tally, latencies: Sequence[float], requests: float) -> Mapping[str, float]:
    total = len(latencies)
    answers = {kind: 100 * tally.kinds[kind] / total for kind in ("whole", "stale", "partial")}
    return {
        "success": answers["whole"] + answers["stale"],
        "stale": answers["stale"],
        "partial": answers["partial"],
        # Those that got no answer at all while the trial lasted are among them.
        "failed": 100 - sum(answers.values()),
        "p50_ms": percentile(latencies, 0.5) * 1000,
        "p99_ms": percentile(latencies, 0.99) * 1000,
        "worst_ms": max(latencies) * 1000,
        "load": requests / total,
        "requests": requests,
        "over_ms": tally.over_ms,
    }


async def _play(timeline: Sequence[tuple[float, Faults]], mock: Mock) -> None:
    started = time.perf_counter()
    for at, faults in timeline:
        await asyncio.sleep(max(0.0, at - (time.perf_counter() - started)))
        mock.faults(faults)


def _requests(keys: int, first: int = 1) -> Iterator[Request]:
    luck = random.Random(1)
    while True:
        yield Request(encode_request("GET", f"/api/gather/?limit={luck.randrange(first, first + keys)}"))


def _forget_copies() -> None:
    """An api of before has left its answers for the next."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
