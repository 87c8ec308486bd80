"""`GET /gather/`: three upstream calls at once, drawn; what breaks them, and what helps."""

from django.http import HttpRequest, HttpResponse

from api.console.page import page
from api.gather.resources import RESOURCES
from chassis.methods import READ, only

# What `?without=` turns off for a request, in the order of chassis.upstream.NAMES.
SWITCHES = (
    ("deadline", "the whole ends in time, and the upstreams are told how much is left"),
    ("timeout", "so does each leg"),
    ("bulkhead", "one leg holds so many requests at most"),
    ("retry", "an attempt that failed is made again"),
    ("budget", "as long as such attempts are few"),
    ("breaker", "an upstream that fails is left alone for a while"),
    ("hedge", "a slow one is asked a second time"),
    ("single_flight", "whoever asks for the same at once shares the call"),
    ("fresh", "an answer serves for a second; off here, so that each asks the upstreams"),
    ("stale", "the last good answer serves where there is none"),
)
# What may be broken of each upstream: the name, what it is, its greatest value and its unit.
FAULTS = (
    ("latency", "Latency", 1500, "ms"),
    ("tail", "Slow tail (1.2 s)", 50, "%"),
    ("errors", "Errors (503)", 100, "%"),
    ("hangs", "Never answers", 100, "%"),
)


@only(*READ)
async def gather(request: HttpRequest) -> HttpResponse:
    """The page."""
    return page(request, "console/gather.html", {"legs": RESOURCES, "faults": FAULTS, "switches": SWITCHES})
