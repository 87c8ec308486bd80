"""OpenTelemetry spans of calls and of the requests they are made of.

Only the API is needed here. A process that sets up no SDK pays one comparison for a span; where one is set up, the
trace goes on in the upstream (`traceparent`).
"""

from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import propagate, trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode

from chassis.upstream.outcome import Outcome

_tracer = trace.get_tracer("chassis.upstream")

NONE: Span = INVALID_SPAN
_NONE = nullcontext(NONE)

type Attributes = dict[str, str | int | float | bool]


def call(upstream: str) -> AbstractContextManager[Span]:
    """The span of a call, all its attempts together."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NONE
    return span(f"call {upstream}", {"peer.service": upstream})


def span(name: str, attributes: Attributes, kind: SpanKind = SpanKind.INTERNAL) -> AbstractContextManager[Span]:
    """A span for the length of the block, the parent of those inside."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NONE
    return _tracer.start_as_current_span(name, kind=kind, attributes=attributes)


def request(
    call: Span, upstream: str, url: str, number: int, headers: MutableMapping[str, str]
) -> AbstractContextManager[Span]:
    """The span of the `number`th request of a `call`, by the semantic conventions for HTTP clients."""
    if not call.is_recording():
        return _NONE
    attributes: Attributes = {
        "http.request.method": "GET",
        "url.full": url,
        "peer.service": upstream,
        "http.request.resend_count": number - 1,
    }
    return _told(span(f"GET {upstream}", attributes, SpanKind.CLIENT), headers)


@contextmanager
def _told(span: AbstractContextManager[Span], headers: MutableMapping[str, str]) -> Iterator[Span]:
    """The span, of which `headers` tell the upstream."""
    with span as entered:
        propagate.inject(headers)
        yield entered


def tell[Value](span: Span, outcome: Outcome[Value]) -> None:
    """What became of a call."""
    span.set_attributes(
        {
            "millrace.status": outcome.status,
            "millrace.attempts": outcome.attempts,
            "millrace.hedged": outcome.hedged,
            "millrace.source": outcome.source or "none",
            "millrace.age": outcome.age or 0.0,
        }
    )
    if outcome.value is None:
        span.set_status(Status(StatusCode.ERROR, outcome.reason))
