"""`GET /`: where a person starts: what runs here and where to go."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.demo.data import LOGINS
from chassis.methods import READ, only

# No script at all; the one style sheet is a file of our own.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

TOUR = (
    ("/api/async/?delay=1", "an async view that waits without holding anybody up"),
    ("/api/sync/?delay=1", "the same in a sync view, on a bounded thread pool"),
    ("/api/mode/", "server, event loop, worker and versions"),
    ("/api/items/", "a class-based async view"),
    ("/api/gather/", "three upstream services asked at once"),
    ("/api/external/", "one upstream call, awaited"),
    ("/api/orm/", "every async ORM method: its call, SQL and time"),
    ("/api/robust/?fail=expected", "an error that the client is told about"),
    ("/api/robust/?fail=unexpected", "one that it is not"),
)


@only(*READ)
async def home(request: HttpRequest) -> HttpResponse:
    """The start page; the demo's logins only where this is the demo."""
    context = {"tour": TOUR, "logins": LOGINS if settings.DEMO else (), "realtime_url": settings.REALTIME_URL}
    response = render(request, "home/home.html", context)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
