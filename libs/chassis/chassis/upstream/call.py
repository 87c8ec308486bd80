"""One call to an upstream: its attempts within its time, and what serves instead where they fail."""

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

import structlog
from yarl import URL

from chassis.upstream import deadline as deadlines
from chassis.upstream import spans
from chassis.upstream.bulkhead import BulkheadFull
from chassis.upstream.deadline import Deadline
from chassis.upstream.failures import UpstreamBusy, UpstreamFailed, UpstreamOpen, UpstreamTimedOut
from chassis.upstream.hedging import hedged
from chassis.upstream.metrics import Attempt
from chassis.upstream.outcome import Ended, Outcome, Sent, Source
from chassis.upstream.reading import HEADERS, read
from chassis.upstream.switches import Switches

if TYPE_CHECKING:
    from chassis.upstream.client import Upstream

logger = structlog.get_logger(__name__)

# Of the whole, for what comes after the last attempt: a copy from Redis, and the answer itself.
RESERVE = 0.03
# Where nothing bounds a call, as its deadline and its timeout were left out.
LONGEST = 10.0
# There is nobody to tell about each of these: the breaker and the metrics do.
_QUIET = frozenset({"open", "rejected"})


class Call[Value]:
    """Made for one call, and run once."""

    __slots__ = (
        "_deadline",
        "_ends",
        "_headers",
        "_hedged",
        "_hurried",
        "_key",
        "_limit",
        "_requests",
        "_sent",
        "_span",
        "_started",
        "_switches",
        "_up",
        "_url",
    )

    def __init__(
        self,
        upstream: "Upstream[Value]",
        url: URL,
        key: str,
        headers: dict[str, str],
        deadline: Deadline,
        switches: Switches,
        *,
        hurried: bool,
    ) -> None:
        # Making text of an address costs as much as looking something up by it.
        self._up, self._url, self._key, self._headers = upstream, url, key, headers
        self._deadline, self._switches, self._hurried = deadline, switches, hurried
        self._started = time.perf_counter()
        self._sent = 0
        self._requests: list[Sent] = []
        self._hedged = False
        self._ends = deadline
        self._limit: asyncio.Timeout | None = None
        self._span = spans.NONE

    async def run(self) -> Outcome[Value]:
        """What became of it, which is never an exception: a failure is an outcome too."""
        with spans.call(self._up.name) as self._span:
            outcome = await self._run()
            if self._span.is_recording():
                spans.tell(self._span, outcome)
        self._up.meter.call(outcome.status, outcome.source, outcome.seconds, outcome.age)
        if outcome.reason is not None and outcome.status not in _QUIET:
            logger.warning("upstream.call_failed", upstream=self._up.name, status=outcome.status, reason=outcome.reason)
        return outcome

    async def _run(self) -> Outcome[Value]:
        if self._switches.fresh and self._up.policy.fresh_for > 0:
            copy = await self._up.from_redis(self._key, self._up.copies.is_fresh)
            if copy is not None:
                return self._outcome("redis", *copy)
        try:
            value = await self._ask()
        except UpstreamFailed as failure:
            return await self._instead(failure)
        return self._outcome("upstream", value, 0.0)

    async def _instead(self, failure: UpstreamFailed) -> Outcome[Value]:
        if self._switches.stale:
            copy = self._up.copies.stale(self._key)
            if copy is not None:
                return self._outcome("memory", copy.value, self._up.copies.age(copy.at), failure)
            found = await self._up.from_redis(self._key, self._up.copies.is_usable)
            if found is not None:
                return self._outcome("redis", *found, failure)
        return Outcome(
            status=failure.kind,
            seconds=time.perf_counter() - self._started,
            attempts=self._sent,
            hedged=self._hedged,
            reason=failure.reason,
            requests=tuple(self._requests),
            retry_after=failure.retry_after if isinstance(failure, UpstreamOpen) else 1.0,
        )

    def _outcome(
        self, source: Source, value: Value, age: float, failure: UpstreamFailed | None = None
    ) -> Outcome[Value]:
        return Outcome(
            status="ok" if failure is None else "stale",
            value=value,
            seconds=time.perf_counter() - self._started,
            attempts=self._sent,
            hedged=self._hedged,
            source=source,
            age=age,
            reason=None if failure is None else failure.reason,
            requests=tuple(self._requests),
        )

    def _within(self) -> float:
        seconds = LONGEST
        if self._switches.timeout:
            seconds = min(seconds, self._up.policy.timeout)
        if self._switches.deadline:
            seconds = min(seconds, max(0.0, self._deadline.remaining() - RESERVE))
        return seconds

    async def _ask(self) -> Value:
        within = self._within()
        self._ends = Deadline.after(within)
        try:
            async with asyncio.timeout(within) as self._limit:
                value, body = await self._attempts()
        except TimeoutError:
            if self._sent:
                raise UpstreamTimedOut(f"no answer within {round(within, 2):g} s") from None
            raise UpstreamBusy(f"no place within {round(within, 2):g} s") from None
        self._up.keep(self._key, value, body, self._switches)
        return value

    async def _attempts(self) -> tuple[Value, bytes]:
        self._up.retries.deposit()
        self._up.hedges.deposit()
        attempt = self._first()
        while True:
            try:
                return await attempt
            except UpstreamFailed as failure:
                delay = self._delay(failure)
                if delay is None:
                    raise
            await asyncio.sleep(delay)
            attempt = self._send("retry")

    def _delay(self, failure: UpstreamFailed) -> float | None:
        """Seconds until the next attempt; None where there is to be none."""
        up, switches = self._up, self._switches
        if not switches.retry or not failure.retriable or self._sent >= up.policy.attempts:
            return None
        delay = up.backoff.delay(self._sent)
        # What failed now says more than a timeout would say later.
        if delay >= self._ends.remaining() or (switches.breaker and up.breaker.refuses()):
            return None
        if switches.budget and not up.retries.spend():
            up.meter.refused("retry")
            return None
        return delay

    async def _first(self) -> tuple[Value, bytes]:
        latencies = self._up.latencies
        slow = latencies.value if self._switches.hedge else None
        started = time.perf_counter()
        try:
            if slow is None:
                answer = await self._send("first")
            else:
                after = max(slow, self._up.policy.hedge_least)
                second = partial(self._send, "hedge")
                answer = await hedged(partial(self._send, "first"), second, after=after, may=self._may_hedge)
        except asyncio.CancelledError:
            if self._timed_out():
                latencies.add(time.perf_counter() - started)
            raise
        # With a hedge, less than the first would have taken, and still more than the quantile.
        latencies.add(time.perf_counter() - started)
        return answer

    def _may_hedge(self) -> bool:
        up, switches = self._up, self._switches
        if self._sent != 1 or (switches.breaker and up.breaker.state != "closed"):
            return False
        if switches.bulkhead and up.bulkhead.full():
            return False
        if switches.budget and not up.hedges.spend():
            up.meter.refused("hedge")
            return False
        return True

    async def _send(self, kind: Attempt) -> tuple[Value, bytes]:
        if self._switches.breaker and self._up.breaker.refuses():
            raise UpstreamOpen(self._up.breaker.retry_after())
        if not self._switches.bulkhead:
            return await self._admitted(kind)
        try:
            await self._up.bulkhead.enter()
        except BulkheadFull:
            raise UpstreamBusy("too many requests wait") from None
        try:
            return await self._admitted(kind)
        finally:
            self._up.bulkhead.leave()

    async def _admitted(self, kind: Attempt) -> tuple[Value, bytes]:
        breaker = self._up.breaker
        if not self._switches.breaker:
            return await self._request(kind)
        ticket = breaker.admit()
        if ticket is None:
            raise UpstreamOpen(breaker.retry_after())
        ok: bool | None = None
        try:
            answer = await self._request(kind)
            ok = True
        except UpstreamFailed as failure:
            ok = not failure.sick
            raise
        except asyncio.CancelledError:
            # That nobody waits any more, or that another attempt was quicker, says nothing about this one.
            ok = False if self._timed_out() else None
            raise
        finally:
            breaker.settle(ticket, ok)
        return answer

    def _timed_out(self) -> bool:
        """Whether the upstream had its time; what a caller in a hurry left it says nothing about it."""
        return self._limit is not None and self._limit.expired() and not self._hurried

    async def _request(self, kind: Attempt) -> tuple[Value, bytes]:
        self._sent += 1
        self._hedged = self._hedged or kind == "hedge"
        self._up.meter.attempt(kind)
        headers = {**HEADERS, **self._headers}
        if self._switches.deadline:
            headers[deadlines.HEADER] = self._ends.header()
        begun = time.perf_counter()
        ended: Ended = "failed"
        try:
            with spans.request(self._span, self._up.name, self._key, self._sent, headers):
                body = await read(self._url, headers, self._up.policy.max_bytes)
                answer = self._up.parse(body), body
            ended = "ok"
        except asyncio.CancelledError:
            ended = "timeout" if self._timed_out() else "cancelled"
            raise
        finally:
            self._requests.append(Sent(kind, begun - self._started, time.perf_counter() - begun, ended))
        return answer
