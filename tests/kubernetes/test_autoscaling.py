"""The component `autoscaling`: more pods under load, and fewer again."""

import asyncio
from typing import Any

import pytest
from tests.kubernetes.cluster import kubectl, names, patch, soon, unsettled
from tests.kubernetes.conftest import UnderLoad
from tests.kubernetes.stack import COMPONENTS, succeed

WITHIN = {"api": 90.0, "realtime": 120.0}
# Instead of 5 and 10 minutes.
WINDOW = 15


def target(service: str, cpu: str) -> None:
    """Half a core in the manifests, which no load of a test reaches."""
    found = kubectl.json("get", "hpa", service)["spec"]
    (metric,) = found["metrics"]
    metric["containerResource"]["target"]["averageValue"] = cpu
    down: dict[str, Any] = {"stabilizationWindowSeconds": WINDOW, "policies": [pods_policy()]}
    patch(
        "hpa", service, {"spec": {"maxReplicas": 3, "metrics": [metric], "behavior": {"scaleDown": down}}}, how="merge"
    )


def pods_policy() -> dict[str, Any]:
    return {"type": "Pods", "value": 1, "periodSeconds": 15}


@pytest.mark.row("autoscaling of {service}")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_autoscaling(service: str, under_load: UnderLoad) -> None:
    """A third pod comes when the load is above the target, and goes after the window when it is below."""
    await asyncio.to_thread(succeed, "up", K8S_COMPONENTS=f"{COMPONENTS} autoscaling")
    try:
        await soon(lambda: measured(service), "the autoscaler sees the CPU", 90)
        async with under_load() as load:
            before = len(names(service))
            await asyncio.to_thread(target, service, "5m")
            await soon(lambda: len(names(service)) == 3, f"a third pod of {service}", WITHIN[service])
            await soon(lambda: [one for one in unsettled() if service in one] == [], "it is ready")
            await asyncio.to_thread(target, service, "900m")
            await soon(lambda: len(names(service)) == 2, "the third pod goes")
            await soon(lambda: [one for one in unsettled() if service in one] == [], "it is gone")
    finally:
        await asyncio.to_thread(succeed, "up")
    assert before == 2
    assert kubectl.items("hpa") == []
    load.nothing_failed()


def measured(service: str) -> bool:
    status = kubectl.json("get", "hpa", service)["status"]
    return any("containerResource" in one for one in status.get("currentMetrics") or [])
