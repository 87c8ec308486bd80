"""`GET /tour/`: every endpoint, to try, and the tour's text; `GET /tour/source/<path>`: the files behind them."""

import asyncio

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.console.page import page
from api.console.tour import sources
from api.console.tour.endpoints import Group, groups
from api.console.tour.text import Text, text
from chassis.errors import NotFound
from chassis.methods import READ, only


@only(*READ)
async def tour(request: HttpRequest) -> HttpResponse:
    """The page."""
    # Both are made once, from files.
    written, tried = await asyncio.to_thread(_made)
    return page(request, "console/tour.html", {"sections": written.sections, "groups": tried})


def _made() -> tuple[Text, tuple[Group, ...]]:
    return text(), groups()


@only(*READ)
async def source(request: HttpRequest, path: str) -> HttpResponse:
    """A file that the tour or an endpoint names, and no other; in the demo only."""
    lines = await asyncio.to_thread(_lines, path) if settings.DEMO else None
    if lines is None:
        raise NotFound
    return page(request, "console/source.html", {"path_in_repository": path, "lines": lines})


def _lines(path: str) -> list[str] | None:
    named = {endpoint.source.path for group in groups() for endpoint in group.endpoints if endpoint.source}
    file = sources.file_of(path) if path in named | text().files else None
    return file.read_text().splitlines() if file else None
