"""What the meta data say of a leg, the metrics and the spans say too."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from .upstream import LEGS, Upstream, listening

CALLS = "millrace_upstream_calls_total"
ATTEMPTS = "millrace_upstream_attempts_total"


def count(name: str, **labels: str) -> float:
    """A metric's value now."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_calls_are_counted(client: httpx.AsyncClient, upstream: Upstream) -> None:
    """By what became of them and where the rows came from, once each; their time and attempts too."""
    await upstream.fault(orders={"error_rate": 1, "error_status": 503})
    names = {
        "ok": (CALLS, {"upstream": "users", "status": "ok", "source": "upstream"}),
        "error": (CALLS, {"upstream": "orders", "status": "error", "source": "none"}),
        "seconds": ("millrace_upstream_call_seconds_count", {"upstream": "orders"}),
        "first": (ATTEMPTS, {"upstream": "orders", "kind": "first"}),
        "retry": (ATTEMPTS, {"upstream": "orders", "kind": "retry"}),
    }
    before = {key: count(name, **labels) for key, (name, labels) in names.items()}
    await client.get("/api/gather/")
    grown = {key: count(name, **labels) - before[key] for key, (name, labels) in names.items()}
    assert grown == {"ok": 1, "error": 1, "seconds": 1, "first": 1, "retry": 2}


async def test_copies_are_counted(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """From memory, with their age."""
    settings.GATHER_WITHOUT, settings.GATHER_FRESH_SECONDS = ["stale"], 300
    await client.get("/api/gather/?limit=11")
    before = (
        count(CALLS, upstream="users", status="ok", source="memory"),
        count("millrace_upstream_age_seconds_count", upstream="users"),
    )
    await client.get("/api/gather/?limit=11")
    assert count(CALLS, upstream="users", status="ok", source="memory") == before[0] + 1
    assert count("millrace_upstream_age_seconds_count", upstream="users") == before[1] + 1


async def test_the_breaker_is_shown(client: httpx.AsyncClient, upstream: Upstream, settings: Any) -> None:
    """1 while it is open."""
    settings.GATHER_WITHOUT = ["fresh", "stale", "retry", "single_flight"]
    await upstream.fault(orders={"error_rate": 1})
    for _ in range(20):
        await client.get("/api/gather/")
    assert count("millrace_upstream_breaker", upstream="orders") == 1
    page = (await client.get("/metrics")).text
    assert re.search(r'^millrace_upstream_breaker\{[^}]*upstream="orders"[^}]*\} 1\.0$', page, re.MULTILINE)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans of a process that has set up an SDK."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # Set up once a process; a test has to take it back.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    monkeypatch.setattr("chassis.upstream.spans._tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def named(exported: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """The spans of that name, which have ended."""
    return [span for span in exported.get_finished_spans() if span.name == name]


async def test_spans(client: httpx.AsyncClient, upstream: Upstream, exported: InMemorySpanExporter) -> None:
    """The gather, in it the call of each leg, in that its requests; with what became of them."""
    await upstream.fault(orders={"error_rate": 1, "error_status": 503})
    meta = (await client.get("/api/gather/")).json()["meta"]
    (gather,) = named(exported, "gather")
    assert gather.context is not None
    for leg in LEGS:
        (call,) = named(exported, f"call {leg}")
        assert call.parent is not None
        assert call.context is not None
        assert call.attributes is not None
        assert call.parent.span_id == gather.context.span_id
        assert call.attributes["millrace.status"] == meta["legs"][leg]["status"]
        assert call.attributes["millrace.attempts"] == meta["legs"][leg]["attempts"]
        assert call.status.is_ok == (leg != "orders")
        requests = named(exported, f"GET {leg}")
        assert len(requests) == meta["legs"][leg]["attempts"]
        assert {request.parent.span_id for request in requests if request.parent} == {call.context.span_id}
        resent = [request.attributes["http.request.resend_count"] for request in requests if request.attributes]
        assert resent == list(range(len(requests)))


async def test_the_trace_goes_on(client: httpx.AsyncClient, settings: Any, exported: InMemorySpanExporter) -> None:
    """`traceparent` names the request's own span."""
    async with listening() as (url, heads):
        settings.UPSTREAM_URL = url
        await client.get("/api/gather/")
    told = {found[1] for head in heads if (found := re.search(rb"traceparent: 00-[0-9a-f]{32}-([0-9a-f]{16})", head))}
    spans = {span.context.span_id for leg in LEGS for span in named(exported, f"GET {leg}") if span.context}
    assert {int(name, 16) for name in told} == spans


async def test_no_trace_without_an_sdk(client: httpx.AsyncClient, settings: Any) -> None:
    """Nobody is told of spans that nobody records."""
    async with listening() as (url, heads):
        settings.UPSTREAM_URL = url
        await client.get("/api/gather/")
    assert heads
    assert not any(b"traceparent" in head.lower() for head in heads)
