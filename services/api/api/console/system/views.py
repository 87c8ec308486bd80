"""`GET /system/`: the metrics of all processes, drawn."""

from django.http import HttpRequest, HttpResponse

from api.console.page import page
from chassis.methods import READ, only


@only(*READ)
async def system(request: HttpRequest) -> HttpResponse:
    """The page."""
    return page(request, "console/system.html")
