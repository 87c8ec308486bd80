"""W2: one row by id; 20 rows and their count; 20 single rows in one request; an insert."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

import msgspec

from bench import http_turn, items, machine, peer, pgbench, threads
from bench.contestant import Contestant, Server
from bench.cpu import Tree
from bench.load.expect import Expect
from bench.load.wire import Request, encode_request
from bench.results import Metric, Result, Table, Verdict, table
from bench.rounds import Measured, interleave
from bench.surroundings import databases
from bench.workload import Plan, Workload

PAGE = 20
# Requests a second of the open loop, which all that use a real ORM can answer.
RATES = {"one": 100.0, "page": 100.0, "singles": 20.0, "insert": 100.0}
COMPARED = ("FastAPI, SQLAlchemy", "FastAPI, SQLAlchemy, autocommit")
DUTY = {"DUTY": "1"}
TITLES = {
    "one": "One row by id",
    "page": "20 rows and the count of all",
    "singles": "20 single rows in one request",
    "insert": "Insert of a row",
}
POSTGRES = Metric("postgres_cpu_us", "PostgreSQL CPU, us", 0)


def one() -> Iterator[Request]:
    """Any row; the subject is its id."""
    random = Random(1)
    while True:
        number = random.randint(1, items.ROWS)
        yield Request(encode_request("GET", f"/rows/{number}/"), number)


def page() -> Iterator[Request]:
    """Any page of 20; the subject is the id of its first row."""
    random = Random(2)
    while True:
        number = random.randint(1, items.ROWS // PAGE)
        yield Request(encode_request("GET", f"/rows/?page={number}"), (number - 1) * PAGE + 1)


def singles() -> Iterator[Request]:
    """20 rows from any id on, each with a query of its own; the subject is the first id."""
    random = Random(3)
    while True:
        number = random.randint(1, items.ROWS - PAGE)
        yield Request(encode_request("GET", f"/rows/singles/?start={number}"), number)


def insert() -> Iterator[Request]:
    """A new row; the subject is its price."""
    for number in count(1):
        body = msgspec.json.encode({"name": f"Entry {number}", "price": number})
        yield Request(encode_request("POST", "/rows/", body=body), number)


def wrong_page(found: Any, first: int) -> str | None:
    """What is wrong with a page."""
    if not isinstance(found, dict) or found.get("total") != items.ROWS:
        return f"the total is not {items.ROWS}"
    return items.wrong_rows(found.get("rows"), first, PAGE)


def wrong_singles(found: Any, first: int) -> str | None:
    """What is wrong with 20 single rows."""
    return items.wrong_rows(found.get("rows") if isinstance(found, dict) else None, first, PAGE)


def wrong_insert(found: Any, price: int) -> str | None:
    """What is wrong with a new row."""
    right = isinstance(found, dict) and found.get("price") == price and found.get("name") == f"Entry {price}"
    return None if right and isinstance(found.get("id"), int) else "not the new row"


def operations(headers: Sequence[bytes]) -> list[http_turn.Operation]:
    """All four, with the headers that have to be on each response."""

    def operation(name: str, requests: Callable[[], Iterator[Request]], expect: Expect) -> http_turn.Operation:
        return http_turn.Operation(name, requests, expect, RATES[name], before=items.empty_entries)

    return [
        operation("one", one, Expect(items.wrong_row, headers=headers)),
        operation("page", page, Expect(wrong_page, headers=headers)),
        operation("singles", singles, Expect(wrong_singles, headers=headers)),
        operation("insert", insert, Expect(wrong_insert, 201, headers=headers, varies=True)),
    ]


def contestants() -> list[Contestant]:
    """All with equal duty but the limit."""
    alchemy = ("sqlalchemy", "asyncpg")
    autocommit = {**DUTY, "AUTOCOMMIT": "1"}
    return [
        peer.millrace("Millrace", DUTY),
        peer.uvicorn("FastAPI, SQLAlchemy", "fastapi.rows", "fastapi", *alchemy, env=DUTY),
        peer.uvicorn("FastAPI, SQLAlchemy, autocommit", "fastapi.rows", "fastapi", *alchemy, env=autocommit),
        peer.uvicorn("Starlette, SQLAlchemy", "starlette.rows", "starlette", *alchemy, env=DUTY),
        peer.uvicorn("Litestar, SQLAlchemy", "litestar.rows", "litestar", *alchemy, env=DUTY),
        peer.uvicorn("django-ninja, async ORM", "ninja.app", "django-ninja", "django", env=DUTY),
        peer.gunicorn("Django, WSGI", "django.wsgi", "django", env=DUTY),
        peer.uvicorn("Django, ASGI, async ORM", "django.app", "django", env=DUTY),
        peer.uvicorn("raw asyncpg", "raw.rows", "asyncpg", kind="limit"),
    ]


async def run(plan: Plan) -> Result:
    """All four operations in every turn."""
    trees = {"postgres": databases(plan.cores)["postgres"]}
    items.create()
    chosen = plan.chosen(contestants(), COMPARED)
    samples = await interleave(chosen, _turn(plan, trees), rounds=plan.rounds, cores=plan.cores, say=plan.say)
    for contestant in plan.chosen(chosen, ()):
        await threads.census([contestant], operations(_headers(contestant)), samples, plan.cores)
    metrics = (*http_turn.METRICS, POSTGRES, threads.THREADS)
    tables = [table(name, title, metrics, chosen, samples) for name, title in TITLES.items()]
    notes = [] if plan.short else [await pgbench.note(plan.seconds)]
    return Result("rows", WORKLOAD.title, ABOUT, plan.rounds, machine.describe(), tables, verdicts(tables), notes)


def _headers(contestant: Contestant) -> Sequence[bytes]:
    return () if contestant.kind == "limit" else peer.DUTY_HEADERS


def _turn(plan: Plan, trees: Mapping[str, Tree]) -> Callable[[Server], Any]:
    async def turn(server: Server) -> Measured:
        return await http_turn.measure(server, operations(_headers(server.contestant)), plan, trees)

    return turn


def verdicts(tables: Sequence[Table]) -> list[Verdict]:
    """W2 of the targets; with both ways to use SQLAlchemy's sessions."""
    return [
        Verdict(f"CPU, {found.title}: Millrace / {other}", 1.0, found.ratio("Millrace", other, "cpu_us"))
        for found in tables
        for other in COMPARED
    ]


ABOUT = """\
A table of 1,000 rows (id, name, price, active, created_at), read by primary key, by page with a count, and by 20
queries one after the other; and a table that takes inserts. Pools of 8 connections, 16 connections of the load
generator in the closed loop, latencies at 100 requests a second (20 of the 20 single rows). All but the limit have
equal duty (see W1). Millrace: typed controllers on the true async ORM, as in the api's `users`. SQLAlchemy: the ORM
with a session a request, as FastAPI's documentation has it (each request is a transaction), and the same with
autocommit, which is what Django does by default. Stock Django and django-ninja use Django's async ORM, whose queries
run on a thread, WSGI its synchronous ORM."""
WORKLOAD = Workload("rows", "rows of PostgreSQL", run, in_check=True)
