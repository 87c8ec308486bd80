"""`GET /traces`: the way of the newest messages of public rooms to the sockets of this process, in the demo only."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chassis.errors import NotFound, json_response
from chassis.methods import READ, only
from rooms.hub import traces as hub_traces


@only(*READ)
async def traces(request: HttpRequest) -> HttpResponse:
    """A JSON list of `rooms.hub.traces.Trace`, oldest first."""
    if not settings.DEMO:
        raise NotFound
    return json_response(list(hub_traces.recent))
