"""Health endpoints: what an orchestrator asks, each for its own reason.

- `/health/` and `/health/live`: the process answers. Never looks at a dependency: restarting this process would not
  mend a dead database, it would only add an outage.
- `/health/ready`: it can serve now, so it checks the database and 503s while draining.
- `/health/startup`: as ready, asked until it first succeeds.
"""

from collections.abc import Awaitable, Callable

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from chassis import database, lifespan
from chassis.errors import Unavailable, json_response
from chassis.methods import READ, only

_OK = {"status": "ok"}


@only(*READ)
async def live(request: HttpRequest) -> HttpResponse:
    """`GET /health/` and `/health/live`: `{"status": "ok"}`."""
    return json_response(_OK)


@only(*READ)
async def ready(request: HttpRequest) -> HttpResponse:
    """`GET /health/ready` and `/health/startup`: `{"status": "ok"}`, or 503 while draining or without a database."""
    if lifespan.draining():
        raise Unavailable("Draining")
    try:
        await database.ping()
    except DatabaseError as error:
        raise Unavailable("Database unavailable") from error
    return json_response(_OK)


View = Callable[[HttpRequest], Awaitable[HttpResponse]]

urlpatterns = [
    path("health/", live),
    path("health/live", live),
    path("health/ready", ready),
    path("health/startup", ready),
]
