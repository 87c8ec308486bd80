"""`GET /tour/`: every endpoint, to try."""

from django.http import HttpRequest, HttpResponse

from api.console.page import page
from chassis.methods import READ, only


@only(*READ)
async def tour(request: HttpRequest) -> HttpResponse:
    """The page."""
    return page(request, "console/tour.html")
