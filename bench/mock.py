"""mock-upstream's switches and counters, and what a right gather of it is."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from bench.contestant import HOST

RESOURCES = ("users", "products", "orders")
LIMIT = 10


class Mock:
    """The mock-upstream that listens on `port`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}"
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=10)

    def rows(self) -> dict[str, Any]:
        """What it answers, by resource."""
        return {name: self._client.get(f"/{name}", params={"limit": LIMIT}).json()[name] for name in RESOURCES}

    def latency(self, ms: float) -> None:
        """Every answer takes `ms` milliseconds from now on; 0 for at once."""
        fault = {"latency": {"kind": "fixed", "ms": ms}} if ms else {}
        self.faults(dict.fromkeys(RESOURCES, fault))

    def faults(self, settings: Mapping[str, Any]) -> None:
        """All faults from now on, by resource."""
        self._client.put("/faults", json=settings).raise_for_status()

    def reset_counters(self) -> None:
        """Start counting again."""
        self._client.delete("/counters").raise_for_status()

    def requests(self, resources: Sequence[str] = RESOURCES) -> int:
        """Requests since then."""
        counters = self._client.get("/counters").json()
        return sum(int(counters[name]["requests"]) for name in resources)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
