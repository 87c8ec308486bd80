"""W1: `GET /api/items/`, a constant as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from bench import http_turn, machine, peer, threads
from bench.contestant import Contestant, Server
from bench.load.expect import Expect, equals
from bench.load.wire import Request, encode_request
from bench.results import Result, Table, Verdict, table
from bench.rounds import Measured, interleave
from bench.surroundings import databases
from bench.workload import Plan, Workload

RATE = 200.0
# Whom a short run compares with.
COMPARED = ("FastAPI", "Django, ASGI")
BODY = {"items": [1, 2, 3]}
REQUEST = Request(encode_request("GET", "/api/items/"))


def _requests() -> Iterator[Request]:
    return repeat(REQUEST)


def operation(name: str, headers: Sequence[bytes]) -> http_turn.Operation:
    """The request, with the headers that have to be on each response."""
    return http_turn.Operation(name, _requests, Expect(equals(BODY), headers=headers), RATE)


DUTY = {"DUTY": "1"}


def bare() -> list[Contestant]:
    """Handler and view only."""
    return [
        peer.millrace("Millrace"),
        *peers({}),
        peer.uvicorn("constant bytes", "raw.app", kind="limit"),
    ]


def duty() -> list[Contestant]:
    """With security headers, request id, timing, log line, metrics and authentication check."""
    return [peer.api("Millrace"), *peers(DUTY)]


def peers(env: Mapping[str, str]) -> list[Contestant]:
    """Everybody else, with `env`."""
    return [
        peer.uvicorn("FastAPI", "fastapi.app", "fastapi", env=env),
        peer.uvicorn("Starlette", "starlette.app", "starlette", env=env),
        peer.uvicorn("Litestar", "litestar.app", "litestar", env=env),
        peer.bolt("django-bolt", env=env),
        peer.uvicorn("django-ninja", "ninja.app", "django-ninja", "django", env=env),
        peer.gunicorn("Django, WSGI", "django.wsgi", "django", env=env),
        peer.uvicorn("Django, ASGI", "django.app", "django", env=env),
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
    contestants = plan.chosen(contestants, COMPARED)

    async def turn(server: Server) -> Measured:
        return await http_turn.measure(server, todo, plan)

    samples = await interleave(contestants, turn, rounds=plan.rounds, cores=plan.cores, say=plan.say)
    await threads.census(plan.chosen(contestants, ()), todo, samples, plan.cores)
    return table(name, title, (*http_turn.METRICS, threads.THREADS), contestants, samples)


def verdicts(tables: Sequence[Table]) -> list[Verdict]:
    """W1 of the targets."""
    found = []
    for found_table, name in zip(tables, ("bare", "equal duty"), strict=True):
        found += [
            Verdict(f"CPU, {name}: Millrace / FastAPI", 1.0, found_table.ratio("Millrace", "FastAPI", "cpu_us")),
            Verdict(
                f"CPU, {name}: Millrace / stock Django ASGI",
                1 / 10,
                found_table.ratio("Millrace", "Django, ASGI", "cpu_us"),
            ),
            Verdict(
                f"threads started per 1,000 requests, {name}",
                0.0,
                found_table.median("Millrace", threads.THREADS.key),
                exact=True,
            ),
        ]
    return found


ABOUT = """\
`GET /api/items/` answers `{"items": [1, 2, 3]}`. *Bare* is the framework's handler, routing and view and nothing
else. *Equal duty* is what the api does for every request, in all of them: eight security headers, `X-Request-ID` and
`X-Request-Duration`, two Prometheus metrics, one JSON line in the log, and a look at the `Authorization` header and
the session cookie (neither is sent, so nobody asks the database). Millrace with equal duty is the api itself, as
`python -m api` runs it. The others have it as plain ASGI middleware (`bench/peers/duty.py`), stock Django as its own
middleware and one more. 16 connections in the closed loop; latencies at 200 requests a second."""
WORKLOAD = Workload("json", "a JSON view", run, in_check=True)
