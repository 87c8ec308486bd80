"""`GET /api/gather/`: three upstream calls at once."""

from http import HTTPStatus

import msgspec
from dmr import Query, ResponseSpec, modify

from api.gather.legs import run_legs
from api.gather.schemas import Gathered, GatherFailed, GatherQuery
from chassis.controllers import JsonController
from chassis.errors import Unavailable


class GatherController(JsonController):
    """Users, products and orders of the upstream."""

    tags = ["Tour"]

    @modify(extra_responses=[ResponseSpec(GatherFailed, status_code=HTTPStatus.SERVICE_UNAVAILABLE)])
    async def get(self, parsed_query: Query[GatherQuery]) -> Gathered:
        """Fetch all three at once. A leg that fails or is too slow leaves its list empty; 503 only where all do."""
        legs, meta = await run_legs(parsed_query.limit)
        if all(leg.status != "ok" for leg in meta.legs.values()):
            raise Unavailable("All upstreams failed", meta=msgspec.to_builtins(meta))
        return Gathered(**{name: leg.rows for name, leg in legs.items()}, meta=meta)
