"""`GET /api/orm/`: the async ORM, method by method."""

from api.orm import showcase
from api.orm.schemas import MethodReport
from chassis.controllers import JsonController


class OrmController(JsonController):
    """Every async ORM method."""

    tags = ["Tour"]

    async def get(self) -> list[MethodReport]:
        """Call each method in a transaction that is rolled back, and report its SQL, its outcome and its time."""
        return await showcase.run()
