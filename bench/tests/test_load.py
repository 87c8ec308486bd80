"""The load generator against a server that answers as it is told."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice, repeat
from pathlib import Path

import pytest

from bench.contestant import Contestant, Server
from bench.cores import Cores
from bench.cpu import Tree
from bench.errors import NotRunning, WrongAnswer
from bench.http_turn import Operation, measure
from bench.load.drive import closed_loop, open_loop
from bench.load.expect import Expect, equals
from bench.load.wire import Request, decode_response, encode_request
from bench.rounds import Measured, Samples, interleave
from bench.threads import THREADS, census
from bench.workload import Plan

ANSWERING = Path(__file__).with_name("answering.py")
REQUEST = Request(encode_request("GET", "/"))


def contestant(mode: str) -> Contestant:
    """A server of that mode."""
    return Contestant(mode, (sys.executable, str(ANSWERING), "{port}", mode), "")


def expect() -> Expect:
    """What `right` answers."""
    return Expect(equals({"items": [1, 2, 3]}), headers=(b"x-request-id",))


@asynccontextmanager
async def answering(mode: str) -> AsyncIterator[Server]:
    """One that runs."""
    server = await Server.start(contestant(mode), Cores().server)
    try:
        yield server
    finally:
        await server.stop()


@pytest.mark.parametrize("mode", ["right", "chunked"])
async def test_right_answers_are_counted(mode: str) -> None:
    """As many as there were requests, whichever way their length is told."""
    async with answering(mode) as server:
        requests = islice(repeat(REQUEST), 50)
        assert await closed_loop(server.port, requests, expect(), wires=4, seconds=30) == 50


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("status", "status 500 instead of 200"),
        ("body", "the body is not"),
        ("header", "no header x-request-id"),
        ("broken", "not JSON"),
        ("close", "closed the connection"),
    ],
)
async def test_a_wrong_answer_ends_the_run(mode: str, reason: str) -> None:
    """Under either way to ask."""
    async with answering(mode) as server:
        with pytest.raises(WrongAnswer, match=reason):
            await closed_loop(server.port, repeat(REQUEST), expect(), wires=2, seconds=30)
        with pytest.raises(WrongAnswer, match=reason):
            await open_loop(server.port, repeat(REQUEST), expect(), rate=100, seconds=0.1, wires=2)


def test_an_answer_to_another_question_is_wrong() -> None:
    """A body that was right for one subject has to be right for the next one too."""
    response, rest = decode_response(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7")
    assert response is not None
    assert rest == b""
    check = Expect(lambda found, subject: None if found == subject else "another one")
    check(Request(b"", 7), response)
    with pytest.raises(WrongAnswer, match="another one"):
        check(Request(b"", 8), response)


async def test_a_slow_server_does_not_slow_the_questions() -> None:
    """Two connections, 50 ms an answer, 100 requests a second: whoever waits for a connection counts from when due."""
    async with answering("slow") as server:
        arrivals = await open_loop(server.port, repeat(REQUEST), expect(), rate=100, seconds=0.5, wires=2)
    assert len(arrivals.latencies) == 50
    # The last of them is due after 0.5 s and can be answered after 25 x 50 ms at the earliest.
    assert max(arrivals.latencies) > 0.4


async def test_a_server_that_does_not_start_is_an_error_with_its_last_words() -> None:
    """Not a missing row."""
    broken = Contestant("broken", (sys.executable, "-c", "raise SystemExit('no such luck')"), "")
    with pytest.raises(NotRunning, match="no such luck"):
        await Server.start(broken, Cores().server)


async def test_turns_are_interleaved_and_the_others_are_stopped() -> None:
    """In each round A B B A; whoever has no turn is stopped by SIGSTOP."""
    order: list[str] = []

    async def turn(server: Server) -> Measured:
        order.append(server.contestant.name)
        assert "stopped" not in {process.status() for process in server.tree.processes()}
        await closed_loop(server.port, islice(repeat(REQUEST), 5), expect(), wires=1, seconds=30)
        return {"table": {"metric": float(len(order))}}

    samples = await interleave([contestant("right"), contestant("chunked")], turn, rounds=2, cores=Cores())
    assert order == ["right", "chunked", "chunked", "right"] * 2
    assert samples.values["table"]["chunked"]["metric"] == [2, 3, 6, 7]


async def test_a_contestant_that_is_not_in_turn_uses_no_cpu() -> None:
    """Its state is stopped, and it answers again when its turn comes."""
    async with answering("right") as server:
        await server.pause()
        assert [process.status() for process in server.tree.processes()] == ["stopped"]
        server.resume()
        assert await closed_loop(server.port, islice(repeat(REQUEST), 1), expect(), wires=1, seconds=30) == 1


async def test_a_turn_measures_cost_and_latency() -> None:
    """A short one measures the cost only, of the databases too."""
    operation = Operation("table", lambda: repeat(REQUEST), expect(), 50.0)
    async with answering("right") as server:
        for short in (False, True):
            plan = Plan(Cores(), seconds=0.2, short=short)
            found = (await measure(server, [operation], plan, {"self": Tree(os.getpid())}))["table"]
            assert {name for name, value in found.items() if value > 0} >= {"cpu_us", "self_cpu_us", "rps"}
            assert ("p99_ms" in found) is not short


@pytest.mark.parametrize(("mode", "threads"), [("right", 0), ("threads", 3000)])
async def test_every_started_thread_is_counted(mode: str, threads: float) -> None:
    """Per 1,000 requests, also of threads that are gone at once."""
    samples = Samples()
    operation = Operation("table", lambda: repeat(REQUEST), expect(), 1.0)
    await census([contestant(mode)], [operation], samples, Cores())
    assert samples.values["table"][mode][THREADS.key] == [threads]
