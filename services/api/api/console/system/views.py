"""`GET /system/`: the metrics of all processes, drawn; `GET /system/state/`: what is drawn; and the demo's faults."""

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.requests import signed_in
from api.console.page import may_watch, page
from api.console.system import faults
from api.console.system.charts import CHARTS
from api.console.system.snapshot import observer
from api.console.system.targets import parse
from chassis import database
from chassis.errors import Forbidden, json_response
from chassis.methods import READ, only

logger = structlog.get_logger(__name__)


@only(*READ)
async def system(request: HttpRequest) -> HttpResponse:
    """The page; its buttons only where they would do something."""
    # As many rows as there will be, so that nothing moves when they come.
    rows = [*(parse(target).name for target in settings.CONSOLE_TARGETS), "PostgreSQL", "Redis", "upstream"]
    context = {"rows": rows, "charts": CHARTS, "faults": faults.offered(), "pause_seconds": faults.PAUSE_SECONDS}
    return page(request, "console/system.html", context)


@only(*READ)
async def state(request: HttpRequest) -> HttpResponse:
    """A `snapshot.Snapshot`: for everybody in the demo, else for staff, who may know how many processes there are."""
    if not may_watch(request):
        signed_in(request)
        raise Forbidden("For staff only")
    # Whoever's session was looked up for this need not hold a connection while others answer.
    await database.release()
    return HttpResponse(await observer.newest(settings.CONSOLE_TARGETS), content_type="application/json")


@only("POST")
async def fault(request: HttpRequest, name: str) -> HttpResponse:
    """`POST /system/faults/<name>/`: cause a fault, as any signed-in user of the demo may; answers `faults.Done`."""
    if not settings.DEMO:
        raise Forbidden("Faults are for the demo only")
    user = signed_in(request)
    await database.release()
    done = await faults.cause(name)
    logger.warning("fault.caused", fault=name, user_id=user.pk)
    return json_response(done)
