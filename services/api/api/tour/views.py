"""Typed async views of the tour; the plain ones are in `plain.py`."""

import asyncio
from http import HTTPStatus

import structlog
from dmr import Query, modify

from api.tour import surroundings
from api.tour.schemas import DelayQuery, Greeting, Mode, RobustQuery
from chassis.controllers import JsonController, responses
from chassis.errors import BadRequest

logger = structlog.get_logger(__name__)


class AsyncController(JsonController):
    """Waiting without a thread."""

    tags = ["Tour"]

    async def get(self, parsed_query: Query[DelayQuery]) -> Greeting:
        """Greet after `delay` seconds; thousands of requests can wait at once."""
        await asyncio.sleep(parsed_query.delay)
        return Greeting("Hello from async view!")


class ModeController(JsonController):
    """Synchronous or asynchronous?"""

    tags = ["Tour"]

    async def get(self) -> Mode:
        """What this view, and a synchronous function called from it, see of where they run."""
        return await surroundings.mode()


class RobustController(JsonController):
    """Failing well."""

    tags = ["Tour"]

    @modify(extra_responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR))
    async def get(self, parsed_query: Query[RobustQuery]) -> Greeting:
        """Fail as asked: `expected` tells the client why, `unexpected` tells only the log."""
        match parsed_query.fail:
            case "expected":
                error = BadRequest("This failure was expected")
                logger.warning("robust.refused", reason=error.message)
                raise error
            case "unexpected":
                raise RuntimeError("This failure was not expected")
        return Greeting("Nothing failed")
