"""`GET /gather/`: three upstream calls at once, drawn; what breaks them, and what helps."""

from django.http import HttpRequest, HttpResponse

from api.console.page import page
from api.gather.legs import RESOURCES
from chassis.methods import READ, only

# What may be turned off for a request by `?without=`, and what it does.
SWITCHES: tuple[tuple[str, str], ...] = ()
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
