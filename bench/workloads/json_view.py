"""W1: `GET /api/items/`, a constant as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from bench import http_turn, machine, peer
from bench.contestant import Contestant, Server
from bench.load.expect import Expect, equals
from bench.load.wire import encode_request
from bench.results import Result, Table, Verdict, table
from bench.rounds import interleave
from bench.surroundings import databases
from bench.workload import Plan, Workload

RATE = 200.0
BODY = {"items": [1, 2, 3]}
REQUEST = encode_request("GET", "/api/items/")


def _requests() -> Iterator[bytes]:
    return repeat(REQUEST)


def operation(name: str, headers: Sequence[bytes]) -> http_turn.Operation:
    """The request, with the headers that have to be on each response."""
    return http_turn.Operation(name, _requests, Expect(equals(BODY), headers=headers), RATE)


def bare() -> list[Contestant]:
    """Handler and view only."""
    return [
        peer.millrace("Millrace"),
        peer.uvicorn("constant bytes", "constant", kind="limit"),
        peer.uvicorn("FastAPI", "fastapi", "fastapi"),
    ]


def duty() -> list[Contestant]:
    """With security headers, request id, timing, log line, metrics and authentication check."""
    return [
        peer.api("Millrace"),
        peer.uvicorn("FastAPI", "fastapi", "fastapi", env={"DUTY": "1"}),
    ]


async def run(plan: Plan) -> Result:
    """Bare, then with equal duty."""
    databases(plan.cores)
    tables = []
    for name, title, contestants, headers in (
        ("bare", "JSON view, bare", bare(), ()),
        ("duty", "JSON view, equal duty", duty(), peer.DUTY_HEADERS),
    ):
        plan.say(title)
        tables.append(await _compare(plan, name, title, contestants, headers))
    return Result("json", WORKLOAD.title, ABOUT, plan.rounds, machine.describe(), tables, verdicts(tables))


async def _compare(
    plan: Plan, name: str, title: str, contestants: Sequence[Contestant], headers: Sequence[bytes]
) -> Table:
    todo = [operation(name, headers)]

    async def turn(server: Server) -> Mapping[str, Mapping[str, float]]:
        return await http_turn.measure(server, todo, plan)

    samples = await interleave(contestants, turn, rounds=plan.rounds, cores=plan.cores, say=plan.say)
    return table(name, title, http_turn.METRICS, contestants, samples)


def verdicts(tables: Sequence[Table]) -> list[Verdict]:
    """W1 of the issue."""
    bare_table, duty_table = tables
    return [
        Verdict("CPU, bare: Millrace / FastAPI", 1.0, bare_table.ratio("Millrace", "FastAPI", "cpu_us")),
        Verdict("CPU, equal duty: Millrace / FastAPI", 1.0, duty_table.ratio("Millrace", "FastAPI", "cpu_us")),
    ]


ABOUT = """`GET /api/items/` answers `{"items": [1, 2, 3]}`."""
WORKLOAD = Workload("json", "a JSON view", run, in_check=True)
