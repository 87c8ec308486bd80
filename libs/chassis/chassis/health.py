"""Health endpoints: what an orchestrator asks, each for another reason.

- `/health/` and `/health/live`: the process answers. They look at no dependency: to restart this process would not
  mend a dead database, it would only add an outage.
- `/health/ready`: it takes requests, that is, it is not draining. The database is not asked: it is shared, so that
  its outage would take every replica away at once, also for requests that need no database. Its state is the metric
  `millrace_database_up`.
- `/health/startup`: it may serve for the first time, so the migrations that it was built with are applied. Once this
  has succeeded the database is not asked again, so it may be asked for as long as the process runs.
"""

from collections.abc import Awaitable, Callable

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from chassis import lifespan
from chassis.database import migrations
from chassis.errors import Unavailable, json_response
from chassis.methods import READ, only

_OK = {"status": "ok"}


class _Startup:
    succeeded = False


@only(*READ)
async def live(request: HttpRequest) -> HttpResponse:
    """`GET /health/` and `/health/live`: `{"status": "ok"}`."""
    return json_response(_OK)


@only(*READ)
async def ready(request: HttpRequest) -> HttpResponse:
    """`GET /health/ready`: `{"status": "ok"}`, or 503 while draining."""
    if lifespan.draining():
        raise Unavailable("Draining")
    return json_response(_OK)


@only(*READ)
async def startup(request: HttpRequest) -> HttpResponse:
    """`GET /health/startup`: `{"status": "ok"}`, or 503 while draining or until all migrations are applied."""
    if lifespan.draining():
        raise Unavailable("Draining")
    if not _Startup.succeeded:
        await _require_migrations()
        _Startup.succeeded = True
    return json_response(_OK)


async def _require_migrations() -> None:
    try:
        missing = await migrations.missing()
    except DatabaseError as error:
        raise Unavailable("Database unavailable") from error
    if missing:
        raise Unavailable(migrations.describe(missing))


View = Callable[[HttpRequest], Awaitable[HttpResponse]]

urlpatterns = [
    path("health/", live),
    path("health/live", live),
    path("health/ready", ready),
    path("health/startup", startup),
]
