"""`GET /`: what runs here, live, and what to try."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.console.page import page
from api.demo.data import LOGINS
from chassis.methods import READ, only


@only(*READ)
async def home(request: HttpRequest) -> HttpResponse:
    """The page; the demo's logins only where this is the demo."""
    return page(request, "console/home.html", {"logins": LOGINS if settings.DEMO else ()})
