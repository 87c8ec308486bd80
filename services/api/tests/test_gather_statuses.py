"""Every status that a leg can have, where its rows come from, and what the whole answer is then."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.asgi import application
from api.gather.legs import upstreams
from api.gather.upstream import address
from chassis.upstream import Deadline, collect, shared, without
from testing.waiting import eventually

from .aborting import AbortableRequest
from .upstream import LEGS, Upstream, holding, impatient, listening

FAILS = {"error_rate": 1, "error_status": 500}
HANGS = {"hang_rate": 1}


@pytest_asyncio.fixture
async def copies(upstream: Upstream, settings: Any) -> None:
    """Answers serve for the time of a test."""
    settings.GATHER_WITHOUT = []
    settings.GATHER_FRESH_SECONDS = settings.GATHER_STALE_SECONDS = 300
    await shared.settle()
    assert shared.answers


def later(seconds: float) -> None:
    """So much time passes for the copies of answers."""

    def ahead(clock: Callable[[], float]) -> float:
        return clock() + seconds

    for upstream in upstreams().values():
        upstream.copies._clock = partial(ahead, upstream.copies._clock)


async def legs(client: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    """What became of each leg of an answer with 200."""
    response = await client.get(f"/api/gather/{query}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["meta"]["legs"]
    return found


async def test_ok(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """Asked once, answered now, by the upstream."""
    for leg in (await legs(client)).values():
        ms = leg.pop("ms")
        assert leg == {"status": "ok", "attempts": 1, "hedged": False, "source": "upstream", "age": 0}
        assert ms > 0


async def test_fresh_from_memory(client: httpx.AsyncClient, upstream: Upstream, copies: None) -> None:
    """Whoever comes within a moment gets the same answer, and the upstream is not asked."""
    first = (await client.get("/api/gather/")).json()
    later(5)
    second = (await client.get("/api/gather/")).json()
    assert [second[name] for name in LEGS] == [first[name] for name in LEGS]
    for leg in second["meta"]["legs"].values():
        assert (leg["status"], leg["source"], leg["attempts"]) == ("ok", "memory", 0)
        assert leg["age"] >= 5
    assert (await upstream.counters())["requests"] == 3


async def test_fresh_from_redis(client: httpx.AsyncClient, upstream: Upstream, copies: None) -> None:
    """So does a process that has just started."""
    await client.get("/api/gather/")
    await shared.settle()
    upstreams.cache_clear()
    assert {leg["source"] for leg in (await legs(client)).values()} == {"redis"}
    assert {leg["source"] for leg in (await legs(client)).values()} == {"memory"}
    assert (await upstream.counters())["requests"] == 3


async def test_other_rows_are_another_question(client: httpx.AsyncClient, upstream: Upstream, copies: None) -> None:
    """A copy serves who asks for the same."""
    await client.get("/api/gather/?limit=1")
    assert {leg["source"] for leg in (await legs(client, "?limit=2")).values()} == {"upstream"}


STALE = {
    "error": (FAILS, "status 500"),
    "timeout": (HANGS, "no answer within 0.2 s"),
    "connection": ({"reset_rate": 1}, "connection failed"),
}


@pytest.mark.parametrize("fault", STALE)
@pytest.mark.parametrize("source", ["memory", "redis"])
async def test_stale(
    client: httpx.AsyncClient, upstream: Upstream, copies: None, settings: Any, fault: str, source: str
) -> None:
    """Where the upstream fails its last good rows serve, marked, and the answer is whole."""
    settings.GATHER_FRESH_SECONDS = 0
    whole = (await client.get("/api/gather/")).json()
    await shared.settle()
    if source == "redis":
        upstreams.cache_clear()
    setting, reason = STALE[fault]
    if fault == "timeout":
        impatient("orders", 0.2)
    later(5)
    await upstream.fault(orders=setting)
    response = await client.get("/api/gather/")
    body = response.json()
    leg = body["meta"]["legs"]["orders"]
    assert (response.status_code, body["meta"]["partial"], body["orders"]) == (200, False, whole["orders"])
    assert (leg["status"], leg["source"], leg["error"], leg["attempts"] > 0) == ("stale", source, reason, True)
    assert leg["age"] >= 5


async def test_too_old_to_serve(client: httpx.AsyncClient, upstream: Upstream, copies: None, settings: Any) -> None:
    """After its time a copy is none."""
    settings.GATHER_FRESH_SECONDS = 0
    await client.get("/api/gather/")
    await shared.settle()
    await upstream.fault(orders=FAILS)
    later(299)
    assert (await legs(client))["orders"]["status"] == "stale"
    later(1)
    assert (await legs(client))["orders"]["status"] == "error"


async def test_timeout(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """No answer in time, after one attempt: the same again would take as long."""
    impatient("orders", 0.2)
    await upstream.fault(orders=HANGS)
    leg = (await legs(client))["orders"]
    assert (leg["status"], leg["attempts"], leg["source"], leg["age"]) == ("timeout", 1, None, None)
    assert leg["error"] == "no answer within 0.2 s"


@pytest.mark.parametrize(
    ("deadline", "seconds", "reason"), [(0.33, 25, "no answer within 0.3 s"), (30, 0.25, "no answer within 0.25 s")]
)
async def test_deadline_and_timeout(
    upstream: Upstream, process: None, deadline: float, seconds: float, reason: str
) -> None:
    """Whichever comes first; of the deadline a little is kept for what comes after the last attempt."""
    await upstream.fault(orders=HANGS)
    impatient("orders", seconds)
    # The deadline's clock stands still: how much is left of it does not depend on how long the call took to begin.
    limit = Deadline.after(deadline, lambda: 0.0)
    url = address(upstream.url, "orders", 1)
    call = upstreams()["orders"].start(url, deadline=limit, switches=without(["fresh", "stale"]), headers={})
    outcome = (await collect({"orders": call}, None))["orders"]
    assert (outcome.status, outcome.reason) == ("timeout", reason)


async def test_the_deadline_is_over(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """All legs end with it, and the meta data say what it was."""
    settings.GATHER_DEADLINE_MS = 330
    await upstream.fault(**dict.fromkeys(LEGS, HANGS))
    body = (await client.get("/api/gather/")).json()
    assert body["meta"]["deadline_ms"] == 330
    # One that got no further than to wait for a place was rejected.
    assert {leg["status"] for leg in body["meta"]["legs"].values()} <= {"timeout", "rejected"}


@pytest.mark.parametrize(("given", "ms"), [("250", 250), ("99999", 30_000), ("soon", 30_000)])
async def test_a_caller_in_a_hurry(client: httpx.AsyncClient, upstream: Upstream, given: str, ms: int) -> None:
    """`X-Deadline-Ms` shortens the time, never prolongs it, and what is no number is none."""
    body = (await client.get("/api/gather/", headers={"X-Deadline-Ms": given})).json()
    assert body["meta"]["deadline_ms"] == ms


async def test_a_caller_in_a_hurry_hurries_nobody_else(client: httpx.AsyncClient, settings: Any) -> None:
    """Calls are shared by those who have the same time."""
    async with holding() as upstream:
        settings.UPSTREAM_URL = upstream.url
        patient = asyncio.ensure_future(client.get("/api/gather/"))
        await eventually(lambda: upstream.requests == 3)
        hurried = await client.get("/api/gather/", headers={"X-Deadline-Ms": "100"})
        assert hurried.status_code == 503
        upstream.released.set()
        assert not (await patient).json()["meta"]["partial"]


async def test_open(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """After enough failures the upstream is left alone, and the others are not."""
    settings.GATHER_BREAKER_SECONDS = 3600
    await upstream.fault(orders=FAILS)

    async def is_open() -> bool:
        return bool((await legs(client))["orders"]["status"] == "open")

    await eventually(is_open)
    await upstream.fault()
    asked = (await upstream.counters("orders"))["requests"]
    found = await legs(client)
    assert (found["orders"]["status"], found["orders"]["attempts"]) == ("open", 0)
    assert found["orders"]["error"] == "circuit breaker open"
    assert {found["users"]["status"], found["products"]["status"]} == {"ok"}
    assert (await upstream.counters("orders"))["requests"] == asked


async def test_rejected(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """Who finds every place taken, and the line too, is not kept waiting; other upstreams have their own places."""
    settings.GATHER_CONCURRENCY, settings.GATHER_LINE = 2, 1
    settings.GATHER_WITHOUT = ["single_flight", "fresh", "stale"]
    await upstream.fault(orders=HANGS)
    inside = [AbortableRequest(application, "/api/gather/") for _ in range(3)]
    bulkheads = {name: one.bulkhead for name, one in upstreams().items()}
    await eventually(lambda: bulkheads["orders"].waiting == 1)
    # The three have left the other upstreams, or those would be full too.
    await eventually(
        lambda: not any(bulkheads[name].inside or bulkheads[name].waiting for name in ("users", "products"))
    )
    found = await legs(client)
    assert (found["orders"]["status"], found["orders"]["attempts"]) == ("rejected", 0)
    assert (found["orders"]["error"], found["users"]["status"]) == ("too many requests wait", "ok")
    assert (await upstream.counters("orders"))["in_flight"] == 2
    for request in inside:
        request.leave()
    await asyncio.gather(*(request.finished() for request in inside))


async def test_rejected_after_waiting(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """Who waits in line until the time is over has asked nobody."""
    settings.GATHER_CONCURRENCY = 1
    settings.GATHER_WITHOUT = ["single_flight", "fresh", "stale"]
    await upstream.fault(orders=HANGS)
    inside = AbortableRequest(application, "/api/gather/")
    await upstream.reaches(in_flight=1)
    impatient("orders", 0.2)
    leg = (await legs(client))["orders"]
    assert (leg["status"], leg["attempts"], leg["error"]) == ("rejected", 0, "no place within 0.2 s")
    inside.leave()
    await inside.finished()


async def test_a_mandatory_leg(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """Without it there is no answer; without another one there is."""
    settings.GATHER_MANDATORY = ["users"]
    await upstream.fault(orders=FAILS)
    assert (await client.get("/api/gather/")).json()["meta"]["partial"] is True
    await upstream.fault(users=FAILS)
    response = await client.get("/api/gather/")
    body = response.json()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert body["error"] == "No users, and they have to be there"
    assert body["meta"]["legs"]["users"]["error"] == "status 500"


async def test_a_mandatory_leg_may_be_stale(
    client: httpx.AsyncClient, upstream: Upstream, copies: None, settings: Any
) -> None:
    """Its last good rows are rows."""
    settings.GATHER_MANDATORY, settings.GATHER_FRESH_SECONDS = ["users"], 0
    await client.get("/api/gather/")
    await upstream.fault(users=FAILS)
    assert (await legs(client))["users"]["status"] == "stale"


async def test_retry_after_says_when_the_breaker_lets_through(
    client: httpx.AsyncClient, upstream: Upstream, settings: Any
) -> None:
    """Not sooner: until then it would be the same answer."""
    settings.GATHER_BREAKER_SECONDS, settings.GATHER_MANDATORY = 3600, ["orders"]
    await upstream.fault(orders=FAILS)
    waits: list[int] = []

    async def told() -> bool:
        waits.append(int((await client.get("/api/gather/")).headers["Retry-After"]))
        return waits[-1] > 1

    await eventually(told)
    assert (waits[0], 3000 <= waits[-1] <= 3600) == (1, True)


async def test_the_upstream_is_told_how_long(client: httpx.AsyncClient, settings: Any) -> None:
    """`X-Deadline-Ms`: what is left of the leg's time when the request goes out, so that it can give up too."""
    settings.GATHER_LEG_TIMEOUT_MS = 20_000
    async with listening() as (url, heads):
        settings.UPSTREAM_URL = url
        await client.get("/api/gather/")
        told = [_deadline(head) for head in heads]
        heads.clear()
        settings.GATHER_WITHOUT = ["deadline"]
        await client.get("/api/gather/")
        untold = [_deadline(head) for head in heads]
    assert len(told) >= 3
    assert all(ms is not None and 0 < ms <= 20_000 for ms in told)
    assert set(untold) == {None}


def _deadline(head: bytes) -> int | None:
    found = [line for line in head.lower().split(b"\r\n") if line.startswith(b"x-deadline-ms: ")]
    return int(found[0].split(b": ")[1]) if found else None


async def test_nobody_listens(client: httpx.AsyncClient, settings: Any, unused_url: str) -> None:
    """A connection that is refused is tried again, three times in all."""
    settings.UPSTREAM_URL = unused_url
    response = await client.get("/api/gather/")
    found = response.json()["meta"]["legs"].values()
    assert (response.status_code, {leg["attempts"] for leg in found}) == (503, {3})
