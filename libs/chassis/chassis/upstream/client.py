"""An upstream as one process sees it: what it remembers of it, and how it is asked."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

import structlog
from yarl import URL

from chassis.upstream.backoff import Backoff
from chassis.upstream.breaker import Breaker, State
from chassis.upstream.budget import Budget
from chassis.upstream.bulkhead import Bulkhead
from chassis.upstream.call import Call
from chassis.upstream.copies import Copies
from chassis.upstream.deadline import Deadline
from chassis.upstream.failures import UpstreamFailed
from chassis.upstream.metrics import Meter
from chassis.upstream.outcome import Outcome
from chassis.upstream.policy import Policy
from chassis.upstream.quantile import MovingQuantile
from chassis.upstream.shared import Shared
from chassis.upstream.switches import Switches
from coalescing import Flight, SingleFlight

logger = structlog.get_logger(__name__)

type Key = tuple[str, Switches] | object


class Upstream[Value]:
    """One upstream. `parse` makes a value of an answer's JSON, or raises `UpstreamFailed`; it must not block.

    Values are shared by all who ask for the same, so nobody changes them.
    """

    def __init__(self, name: str, policy: Policy, parse: Callable[[bytes], Value], shared: Shared) -> None:
        self.name, self.policy, self.parse = name, policy, parse
        self.meter = Meter(name)
        self.retries = Budget(policy.retry_ratio, start=policy.retry_start, most=policy.retry_most)
        self.hedges = Budget(policy.hedge_ratio, start=policy.hedge_start, most=policy.hedge_most)
        self.backoff = Backoff(policy.backoff_base, policy.backoff_cap)
        self.latencies = MovingQuantile(policy.hedge_quantile)
        self.bulkhead = Bulkhead(policy.concurrency, policy.line)
        self.breaker = Breaker(
            window=policy.breaker_window,
            volume=policy.breaker_volume,
            share=policy.breaker_share,
            open_for=policy.breaker_open_for,
            probes=policy.breaker_probes,
            changed=self._changed,
        )
        self.copies: Copies[Value] = Copies(fresh_for=policy.fresh_for, stale_for=policy.stale_for)
        self._shared = shared
        self._flights: SingleFlight[Key, Outcome[Value]] = SingleFlight()

    def start(
        self, url: URL, *, deadline: Deadline, switches: Switches, headers: dict[str, str], hurried: bool = False
    ) -> "Started[Value]":
        """Begin to GET `url`, or join whoever is asking for the same; the caller waits with `collect`.

        The first to ask decides about deadline and headers. So a `hurried` call, which has less time than others, joins
        nobody and is joined by nobody, and that it got no answer in its time does not count against the upstream.
        """
        text = str(url)
        if switches.fresh and (copy := self.copies.fresh(text)) is not None:
            age = self.copies.age(copy.at)
            self.meter.call("ok", "memory", 0.0, age)
            return Started(Outcome(status="ok", value=copy.value, source="memory", age=age))
        call = Call(self, url, text, headers, deadline, switches, hurried=hurried)
        key: Key = (text, switches) if switches.single_flight and not hurried else object()
        flight = self._flights.join(key, call.run)
        if flight.waiting > 1:
            self.meter.coalesced()
        return Started(None, flight, partial(self._flights.leave, flight))

    def keep(self, url: str, value: Value, body: bytes, switches: Switches) -> None:
        """A good answer, for those who ask next and for when there is none."""
        if not switches.fresh and not switches.stale:
            return
        copy = self.copies.put(url, value, body)
        self._shared.offer(self._shared_key(url), copy.at, body, self.policy.stale_for)

    async def from_redis(self, url: str, good: Callable[[float], bool]) -> tuple[Value, float] | None:
        """A copy of any process that is `good`, by when it came, and its age; it is in memory from now on."""
        found = await self._shared.read(self._shared_key(url))
        if found is None or not good(found[0]):
            return None
        at, body = found
        try:
            value = self.parse(body)
        except UpstreamFailed:
            # Of a version that took its answers in another shape.
            return None
        self.copies.put(url, value, body, at)
        return value, self.copies.age(at)

    def in_flight(self) -> int:
        """Calls that somebody waits for."""
        return len(self._flights)

    def _shared_key(self, url: str) -> str:
        return f"{self.name}:{url}"

    def _changed(self, state: State) -> None:
        self.meter.breaker(state)
        logger.warning("upstream.breaker", upstream=self.name, state=state)


class Started[Value]:
    """A call that has begun, or had its answer at once."""

    __slots__ = ("_flight", "_leave", "_outcome")

    def __init__(
        self,
        outcome: Outcome[Value] | None,
        flight: Flight[Key, Outcome[Value]] | None = None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._outcome, self._flight, self._leave = outcome, flight, leave

    @property
    def task(self) -> "asyncio.Task[Outcome[Value]] | None":
        """What there is to wait for."""
        return None if self._flight is None else self._flight.task

    def outcome(self, waited: float) -> Outcome[Value]:
        """What became of it; a timeout after `waited` seconds where it goes on."""
        if self._outcome is not None:
            return self._outcome
        task = self.task
        if task is not None and task.done():
            return task.result()
        return Outcome(status="timeout", seconds=waited, reason="no answer by the deadline")

    def leave(self) -> None:
        """Nobody waits here any more."""
        self._leave()


async def collect[Value](started: Mapping[str, Started[Value]], within: float | None) -> dict[str, Outcome[Value]]:
    """All outcomes, after `within` seconds at most.

    A call that is still going on then, or where the caller is cancelled, is cancelled if nobody else waits for it.
    """
    begun = asyncio.get_running_loop().time()
    try:
        tasks = [one.task for one in started.values() if one.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        waited = asyncio.get_running_loop().time() - begun
        return {name: one.outcome(waited) for name, one in started.items()}
    finally:
        for one in started.values():
            one.leave()
