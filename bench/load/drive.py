"""Closed loop for cost, open loop for latency."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from bench.contestant import HOST
from bench.errors import WrongAnswer
from bench.load.wire import Request, Response, Wire

# Longer than any answer takes; a server that is silent for so long is wrong too.
SILENCE_SECONDS = 30.0

type Requests = Iterator[Request]
type Check = Callable[[Request, Response], None]


async def _connect(
    port: int, wires: int, answered: Callable[[Wire, Response], None], lost: Callable[[Exception], None]
) -> list[Wire]:
    loop = asyncio.get_running_loop()
    opened = []
    for _ in range(wires):
        _, wire = await loop.create_connection(lambda: Wire(answered, lost), HOST, port)
        opened.append(wire)
    return opened


async def closed_loop(port: int, requests: Requests, check: Check, *, wires: int, seconds: float) -> int:
    """Each of `wires` connections sends its next request when it has the answer to the last; returns the answers.

    No request is sent after `seconds`, or when `requests` has no more; returns when all answers are in. Raises
    `WrongAnswer` for the first that is wrong.
    """
    return await _Closed(requests, check, time.perf_counter() + seconds).run(port, wires, seconds + SILENCE_SECONDS)


class _Closed:
    def __init__(self, requests: Requests, check: Check, stop_at: float) -> None:
        self.requests, self.check, self.stop_at = requests, check, stop_at
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.count = self.busy = 0

    async def run(self, port: int, wires: int, patience: float) -> int:
        opened = await _connect(port, wires, self._answered, self._fail)
        self.busy = wires
        try:
            for wire in opened:
                self._proceed(wire)
            async with asyncio.timeout(patience):
                await self.done
        except TimeoutError:
            raise WrongAnswer(f"no answer for {SILENCE_SECONDS:g} s") from None
        finally:
            for wire in opened:
                wire.close()
        return self.count

    def _proceed(self, wire: Wire) -> None:
        if time.perf_counter() < self.stop_at and (request := next(self.requests, None)) is not None:
            wire.send(request)
            return
        self.busy -= 1
        if not self.busy and not self.done.done():
            self.done.set_result(None)

    def _answered(self, wire: Wire, response: Response) -> None:
        try:
            self.check(cast(Request, wire.request), response)
        except WrongAnswer as error:
            self._fail(error)
            return
        self.count += 1
        self._proceed(wire)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(slots=True)
class Arrivals:
    """Seconds from the time each request was due until its answer was there; `kept_up` if the server did."""

    latencies: list[float] = field(default_factory=list)
    kept_up: bool = True


async def open_loop(
    port: int, requests: Requests, check: Check, *, rate: float, seconds: float, wires: int = 64
) -> Arrivals:
    """Send `rate` requests a second whatever becomes of them, over at most `wires` connections.

    The latency of each counts from the time it was due, also where it had to wait for a free connection, so that a slow
    server cannot slow down the questions (no coordinated omission). A server that has not answered all of them
    `seconds` after the last was due did not keep up, and what is outstanding then counts as waiting until then.
    """
    return await _Open(port, requests, check, rate, int(rate * seconds), wires).run(seconds)


class _Open:
    def __init__(self, port: int, requests: Requests, check: Check, rate: float, total: int, wires: int) -> None:
        self.port, self.requests, self.check = port, requests, check
        self.rate, self.total, self.wires = rate, total, wires
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.free: deque[Wire] = deque()
        self.waiting: deque[float] = deque()
        self.due: dict[Wire, float] = {}
        self.arrivals = Arrivals()

    async def run(self, patience: float) -> Arrivals:
        opened = await _connect(self.port, self.wires, self._answered, self._fail)
        self.free.extend(opened)
        clock = threading.Thread(target=self._tick, args=(time.perf_counter() + 0.02,), daemon=True)
        clock.start()
        try:
            async with asyncio.timeout(self.total / self.rate + patience + 0.1):
                await self.done
        except TimeoutError:
            self.arrivals.kept_up = False
            now = time.perf_counter()
            self.arrivals.latencies += [now - due for due in (*self.due.values(), *self.waiting)]
        finally:
            for wire in opened:
                wire.close()
            clock.join()
        return self.arrivals

    def _tick(self, start: float) -> None:
        """On a thread: the event loop's own timers are a millisecond wide."""
        for number in range(self.total):
            due = start + number / self.rate
            if (wait := due - time.perf_counter()) > 0:
                time.sleep(wait)
            self.loop.call_soon_threadsafe(self._arrive, due)

    def _arrive(self, due: float) -> None:
        if self.free:
            self._send(self.free.popleft(), due)
        else:
            self.waiting.append(due)

    def _send(self, wire: Wire, due: float) -> None:
        self.due[wire] = due
        wire.send(next(self.requests))

    def _answered(self, wire: Wire, response: Response) -> None:
        self.arrivals.latencies.append(time.perf_counter() - self.due.pop(wire))
        try:
            self.check(cast(Request, wire.request), response)
        except WrongAnswer as error:
            self._fail(error)
            return
        if self.waiting:
            self._send(wire, self.waiting.popleft())
        else:
            self.free.append(wire)
        if len(self.arrivals.latencies) == self.total and not self.done.done():
            self.done.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
