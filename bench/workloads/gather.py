"""W3: `GET /api/gather/`, three upstream calls at once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import Any

from bench import http_turn, machine, peer, threads
from bench.contestant import Contestant, Server
from bench.figures import percentile
from bench.load.drive import closed_loop, open_loop
from bench.load.expect import Expect
from bench.load.wire import Request, Response, encode_request
from bench.mock import RESOURCES, Mock
from bench.results import Result, Table, Verdict, table
from bench.rounds import Measured, interleave
from bench.surroundings import databases, upstream
from bench.workload import Plan, Workload

RATE = 40.0
REQUEST = Request(encode_request("GET", "/api/gather/"))
OURS, TUTORIAL, LIMIT = "Millrace", "Django, httpx client a request", "raw aiohttp"
COMPARED = (TUTORIAL, LIMIT)
CROWD = 1000
CROWD_MS = 1500.0
# A thousand gathers at once, or somebody else on this machine, may take longer than an upstream may in production.
PATIENT = {"GATHER_DEADLINE_MS": "20000", "GATHER_LEG_TIMEOUT_MS": "19000"}
UPSTREAM_MS = 20.0


def contestants(url: str) -> list[Contestant]:
    """All with equal duty but the limit."""
    env = {"UPSTREAM_URL": url}
    duty = {**env, "DUTY": "1"}
    stock = ("django", "httpx")
    return [
        # Nobody else shares calls or keeps answers, so here Millrace does not either; all else is on.
        # The deadline is for the machine: what costs is that there is one.
        peer.api(OURS, {**env, **PATIENT, "GATHER_WITHOUT": "single_flight,fresh"}),
        peer.uvicorn("FastAPI, shared aiohttp", "fastapi.gather", "fastapi", "aiohttp", env=duty),
        peer.uvicorn("Django, shared httpx client", "django.app", *stock, env={**duty, "SHARED_CLIENT": "1"}),
        peer.uvicorn(TUTORIAL, "django.app", *stock, env=duty),
        peer.uvicorn(LIMIT, "raw.gather", "aiohttp", kind="limit", env=env),
    ]


def expect(rows: Mapping[str, Any], headers: Sequence[bytes]) -> Expect:
    """The upstream's own rows of each resource; what else is in the answer is not looked at."""

    def wrong(found: Any, _subject: Any) -> str | None:
        right = isinstance(found, dict) and all(found.get(name) == rows[name] for name in RESOURCES)
        return None if right else "not what the upstream has"

    return Expect(wrong, headers=headers, varies=True)


def _requests() -> Iterator[Request]:
    return repeat(REQUEST)


async def run(plan: Plan) -> Result:
    """The comparison, then what only Millrace promises: latency at half load, and coalescing."""
    databases(plan.cores)
    async with upstream(plan.cores) as server:
        mock = Mock(server.port)
        try:
            return await _run(plan, mock)
        finally:
            mock.close()


async def _run(plan: Plan, mock: Mock) -> Result:
    rows = mock.rows()
    chosen = plan.chosen(contestants(mock.url), COMPARED)

    def operations(contestant: Contestant) -> list[http_turn.Operation]:
        headers = () if contestant.kind == "limit" else peer.DUTY_HEADERS
        return [http_turn.Operation("gather", _requests, expect(rows, headers), RATE)]

    async def turn(server: Server) -> Measured:
        return await http_turn.measure(server, operations(server.contestant), plan)

    samples = await interleave(chosen, turn, rounds=plan.rounds, cores=plan.cores, say=plan.say)
    for contestant in plan.chosen(chosen, ()):
        await threads.census([contestant], operations(contestant), samples, plan.cores)
    found = table("gather", WORKLOAD.title, (*http_turn.METRICS, threads.THREADS), chosen, samples)
    check = expect(rows, peer.DUTY_HEADERS)
    beyond = await _beyond_upstream(plan, chosen[0], mock, check, (found.median(OURS, "rps") or 0) / 2)
    calls, complete = await _crowd(plan, chosen[0], mock, check)
    notes = [f"Of the {CROWD} concurrent gathers {complete} were answered in full."]
    checks = verdicts(found, beyond, calls)
    return Result("gather", WORKLOAD.title, ABOUT, plan.rounds, machine.describe(), [found], checks, notes)


async def _beyond_upstream(plan: Plan, ours: Contestant, mock: Mock, check: Expect, rate: float) -> float:
    """p99 in ms, less the upstream's own time, at half of what the closed loop reached."""
    server = await Server.start(ours, plan.cores.server)
    try:
        await closed_loop(server.port, _requests(), check, wires=http_turn.WIRES, seconds=plan.seconds)
        mock.latency(UPSTREAM_MS)
        arrivals = await open_loop(server.port, _requests(), check, rate=rate, seconds=plan.seconds * 5, wires=256)
    finally:
        mock.latency(0)
        await server.stop()
    return percentile(arrivals.latencies, 0.99) * 1000 - UPSTREAM_MS


async def _crowd(plan: Plan, ours: Contestant, mock: Mock, check: Expect) -> tuple[int, int]:
    """How often `CROWD` gathers that are all there before the upstream's first answer call it; how many got all legs.

    Without coalescing most of them would wait for a connection to the upstream in vain; to say so is no wrong answer.
    """
    complete = 0

    def check_or_count(request: Request, response: Response) -> None:
        nonlocal complete
        if response.status != 503 and b'"partial":true' not in response.body:
            check(request, response)
            complete += 1

    server = await Server.start(ours, plan.cores.server, {"GATHER_WITHOUT": "fresh"})
    try:
        mock.latency(CROWD_MS)
        mock.reset_counters()
        await closed_loop(server.port, islice(_requests(), CROWD), check_or_count, wires=CROWD, seconds=30)
        return mock.requests(), complete
    finally:
        mock.latency(0)
        await server.stop()


def verdicts(found: Table, beyond_ms: float, calls: int) -> list[Verdict]:
    """W3 of the targets."""
    return [
        Verdict("CPU: Millrace / raw aiohttp", 2.5, found.ratio(OURS, LIMIT, "cpu_us")),
        Verdict("CPU: Millrace / a client a request", 1 / 25, found.ratio(OURS, TUTORIAL, "cpu_us")),
        Verdict(f"p99 beyond the upstream's {UPSTREAM_MS:g} ms at half load, ms", 5.0, beyond_ms),
        Verdict(f"upstream calls of {CROWD} identical concurrent gathers", 3.0, float(calls), exact=True),
    ]


ABOUT = """\
`GET /api/gather/` asks mock-upstream, which answers at once, for users, products and orders. All but the limit have
equal duty (see W1); Millrace is the api itself with all that protects a call (see gather.md) but what would answer
without asking: deadline, budgets, circuit breaker, hedging and so on, and a report of how each leg went.
16 connections in the closed loop, latencies at 40 requests a second."""
WORKLOAD = Workload("gather", "three upstream calls at once", run)
