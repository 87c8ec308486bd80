"""`GET /api/gather/`: three upstream calls at once."""

from http import HTTPStatus

import msgspec
from django.conf import settings
from dmr import Query, ResponseSpec, modify
from dmr.headers import HeaderSpec

from api.gather import demo
from api.gather.legs import gather
from api.gather.resources import RESOURCES
from api.gather.schemas import Gathered, GatherFailed, GatherQuery
from chassis.controllers import JsonController
from chassis.errors import Unavailable
from chassis.upstream import deadline

_FAILED = ResponseSpec(
    GatherFailed,
    status_code=HTTPStatus.SERVICE_UNAVAILABLE,
    headers={"Retry-After": HeaderSpec(description="Seconds to wait.")},
)


class GatherController(JsonController):
    """Users, products and orders of the upstream."""

    tags = ["Tour"]

    @modify(extra_responses=[_FAILED])
    async def get(self, parsed_query: Query[GatherQuery]) -> Gathered:
        """Fetch all three at once. A leg that fails or is too slow has its last good rows or none.

        503 where a leg without rows is one of GATHER_MANDATORY, or all are. `X-Deadline-Ms` in the request shortens the
        time that it takes.
        """
        switches = demo.switches(parsed_query.without)
        within = deadline.read(self.request.headers.get(deadline.HEADER))
        found = await gather(parsed_query.limit, switches, within, trace=parsed_query.trace)
        if found.missing and (reason := _failed(found.missing)):
            raise Unavailable(reason, retry_after=found.retry_after, meta=msgspec.to_builtins(found.meta))
        return Gathered(**found.rows, meta=found.meta)


def _failed(missing: list[str]) -> str | None:
    """Why there is no answer with these legs missing; None where there is one."""
    if len(missing) == len(RESOURCES):
        return "All upstreams failed"
    needed = [name for name in missing if name in settings.GATHER_MANDATORY]
    return f"No {needed[0]}, and they have to be there" if needed else None
