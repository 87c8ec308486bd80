"""Which requests may fail on Kubernetes, by what was harmed and how: pure functions over a history."""

from tests.chaos.asking import Question
from tests.chaos.availability import unanswerable
from tests.chaos.history import Event
from tests.chaos.measures import Window

# These leave a pod the time to end, and its replacement serves before: only what exists once may be missed.
GRACEFUL = frozenset({"terminate", "drain"})
_ONCE = frozenset({"postgres"})
# A node is declared dead after 20 s. Until every other node knows that, at most 25 s later, a Service sends new
# connections to a gateway there. Only the health checks of a load balancer in front would notice before.
NOTICED = 45.0


def by_hits(window: Window, question: Question, request: Event) -> bool:
    """Whether what the step harmed explains that this request failed."""
    return any(_explains(hit, question, request.t - request.took) for hit in window.hits)


def _explains(hit: Event, question: Question, began: float) -> bool:
    target, _, kind = hit.fault.rpartition("-")
    services = hit.why.split()
    if kind in GRACEFUL:
        services = [service for service in services if service in _ONCE]
    elif target == "node" and began > hit.t + NOTICED:
        services = [service for service in services if service != "gateway"]
    return any(unanswerable(service, question) for service in services)
