"""What an orchestrator and a Prometheus ask."""

import os

import httpx
import pytest
from tests.e2e.people import TIMEOUT
from tests.e2e.stack import Stack


@pytest.mark.smoke
@pytest.mark.parametrize("path", ["/health/", "/health/live", "/health/ready", "/health/startup"])
async def test_health_endpoints_say_ok(anyone: httpx.AsyncClient, path: str) -> None:
    """Each health endpoint answers 200 `{"status": "ok"}` while the stack is well."""
    answer = await anyone.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_metrics_count_requests(stack: Stack) -> None:
    """`/metrics` is Prometheus text; a gateway hides it, so METRICS_URL may name the api's own address."""
    async with httpx.AsyncClient(base_url=os.environ.get("METRICS_URL", stack.api), timeout=TIMEOUT) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE " in answer.text
