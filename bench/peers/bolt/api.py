"""django-bolt; `DUTY=1` for equal duty, as a middleware of its own kind."""

import os
import time
from typing import Any

from django_bolt import BoltAPI
from django_bolt.middleware import BaseMiddleware

from bench.peers.duty import SECURITY, observe, request_id, who

DUTY = bool(os.environ.get("DUTY"))


class Duty(BaseMiddleware):
    """Headers, request id, timing, metrics, log line and authentication check."""

    async def process_request(self, request: Any) -> Any:
        """Answer with what the rest answers."""
        started = time.perf_counter()
        who(request.headers.get("authorization", ""), request.headers.get("cookie", ""))
        response = await self.get_response(request)
        seconds = time.perf_counter() - started
        identifier = request_id(request.headers.get("x-request-id", ""))
        response.headers.update(SECURITY)
        response.headers["X-Request-ID"] = identifier
        response.headers["X-Request-Duration"] = f"{seconds:.6f}"
        observe(request.method, request.path, request.path, response.status_code, seconds, identifier)
        return response


api = BoltAPI(
    trailing_slash="keep",
    enable_logging=False,
    compression=False,
    openapi_config=None,
    middleware=[Duty] if DUTY else None,
)


@api.get("/api/items/")
async def items() -> dict[str, list[int]]:
    """The three items."""
    return {"items": [1, 2, 3]}
