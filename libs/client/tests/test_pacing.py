"""The delays before a connection and before a frame, without waiting for any."""

import asyncio
import random
import time

import pytest

from millrace_client import Backoff
from millrace_client.pacing import BURST, PER_SECOND, Pace

from .conftest import MakeRoom
from .fake import FakeServer, Visit


def test_full_jitter() -> None:
    """A delay is anything from nothing to a bound that doubles from half a second up to thirty."""
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    backoff = Backoff(uniform=uniform)
    assert [backoff.delay() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert {low for low, _ in drawn} == {0}
    backoff.reset()
    assert backoff.delay(at_once=True) == 0.1


def test_full_jitter_by_chance() -> None:
    """With real chance delays keep within the bounds and differ from client to client."""
    delays = [Backoff(uniform=random.Random(seed).uniform).delay() for seed in range(100)]
    assert all(0 <= delay <= 0.5 for delay in delays)
    assert len(set(delays)) > 90
    assert any(delay < 0.1 for delay in delays)
    assert any(delay > 0.4 for delay in delays)


def test_by_default_a_delay_is_drawn() -> None:
    """Without a `uniform` the delays of many rooms differ."""
    delays = {Backoff().delay() for _ in range(20)}
    assert len(delays) > 15
    assert 0 <= min(delays) <= max(delays) <= 0.5


def test_a_delay_never_overflows() -> None:
    """A client that has tried for years still waits no longer than the cap."""
    backoff = Backoff(uniform=lambda low, high: high)
    assert max(backoff.delay() for _ in range(5000)) == 30


@pytest.fixture
def clock() -> list[float]:
    """A clock that a test sets."""
    return [0.0]


def test_pace(clock: list[float]) -> None:
    """A burst goes at once, then so many a second; whoever does not send saves up no more than the burst."""
    pace = Pace(3, 2, lambda: clock[0])
    assert [pace.take() for _ in range(3)] == [0, 0, 0]
    assert pace.take() == pytest.approx(0.5, abs=0.01)
    clock[0] += 0.51
    assert pace.take() == 0
    clock[0] += 1000
    assert [pace.take() for _ in range(3)] == [0, 0, 0]
    assert pace.take() > 0


def test_pace_to_spare(clock: list[float]) -> None:
    """What can be left out takes no turn that something else may need."""
    pace = Pace(4, 2, lambda: clock[0])
    assert [pace.take(spare=2) for _ in range(2)] == [0, 0]
    assert pace.take(spare=2) == pytest.approx(0.5, abs=0.01)
    assert [pace.take() for _ in range(2)] == [0, 0]


def test_pace_after_too_fast(clock: list[float]) -> None:
    """A server that counts otherwise is believed: the next frame waits for its turn."""
    pace = Pace(3, 2, lambda: clock[0])
    pace.drain()
    assert pace.take() == pytest.approx(0.5, abs=0.01)


def test_pace_is_below_what_the_server_takes(clock: list[float]) -> None:
    """Whatever a client wants, no window of its frames holds more than 20 and 10 a second."""
    pace = Pace(clock=lambda: clock[0])
    sent: list[float] = []
    while clock[0] < 20:
        wait = pace.take()
        if wait:
            clock[0] += wait
        else:
            sent.append(clock[0])
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= 20 + 10 * (sent[last] - sent[first])
    assert len(sent) > 190


async def test_a_room_keeps_the_pace(server: FakeServer, make_room: MakeRoom) -> None:
    """Many messages at once are not sent faster than the server takes them; typing gives way to them."""
    arrived: list[float] = []

    async def timed(visit: Visit) -> None:
        await visit.join()
        while True:
            frame = await visit.next()
            arrived.append(time.monotonic())
            if frame["type"] == "message":
                stored = await server.store(frame["message"], frame["id"])
                await visit.send(type="ack", id=stored["id"], seq=stored["seq"])

    server.scripts = [timed]
    began = time.monotonic()
    async with make_room() as room:
        sending = [asyncio.create_task(room.send(str(number))) for number in range(30)]
        for _ in range(30):
            await room.typing()
        assert await asyncio.gather(*sending) == list(range(1, 31))
    # Each comes when the pace allows it at the earliest; a slow machine makes it later only.
    assert all(at - began >= (number - BURST) / PER_SECOND for number, at in enumerate(arrived, 1))
    assert "typing" in {frame["type"] for frame in server.visits[0].frames}


async def test_typing_without_a_connection(server: FakeServer, make_room: MakeRoom) -> None:
    """Typing is not worth waiting for: without a connection nothing is done."""
    room = make_room()
    await room.typing()
    async with room:
        await room.typing()
        await room.send("hi")
    assert [frame["type"] for frame in server.visits[0].frames] == ["typing", "message"]


def test_pace_to_the_millisecond(clock: list[float]) -> None:
    """The wait is what is missing at this rate and one millisecond, for the frame and for what is to be spared."""
    clock[0] = 50.0
    pace = Pace(2, 4, lambda: clock[0])
    assert [pace.take(), pace.take()] == [0, 0]
    assert (pace.take(), pace.take(spare=1)) == pytest.approx((0.251, 0.501))
    clock[0] += 0.1
    assert pace.take() == pytest.approx(0.151)
    clock[0] += 0.15
    assert (pace.take(), pace.take()) == pytest.approx((0, 0.251))


def test_pace_is_drained_from_now_on(clock: list[float]) -> None:
    """Time that passed before the server complained earns nothing."""
    pace = Pace(2, 4, lambda: clock[0])
    clock[0] += 1
    pace.drain()
    assert pace.take() == pytest.approx(0.251)
    clock[0] += 0.25
    assert pace.take() == 0


def test_the_first_delay_after_a_reset() -> None:
    """Each try doubles the bound, at once or not; a reset starts over, and the options are what they say."""
    backoff = Backoff(base=1, cap=3, uniform=lambda low, high: high)
    assert [backoff.delay(at_once=True), backoff.delay(), backoff.delay(at_once=True)] == [0.2, 2, 0.8]
    assert backoff.delay() == 3
    backoff.reset()
    assert [backoff.delay(), backoff.delay()] == [1, 2]
    assert (Backoff().base, Backoff().cap, Backoff().lasted) == (0.5, 30, 5)
