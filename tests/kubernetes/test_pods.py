"""Pods that go: asked to, without being asked, and because their node is emptied."""

import asyncio
import json
import time

import pytest
from tests.kubernetes.cluster import call, kubectl, names, pods, rolled_out, soon
from tests.kubernetes.conftest import UnderLoad
from tests.kubernetes.load import Load
from tests.kubernetes.nodes import all_nodes, kill_process, needs_nodes

# The database has one pod, which a drain would take away; so has what holds its volume.
DRAIN = ("--ignore-daemonsets", "--delete-emptydir-data", "--pod-selector=app.kubernetes.io/name!=postgres")
# For how long a request that was under way when its pod died can be seen to have been.
IN_FLIGHT = 1.0


async def two_pods(service: str) -> bool:
    """Two, and all of them ready."""
    return await asyncio.to_thread(lambda: [pod.ready for pod in pods(service)] == [True, True])


def only_in_flight(load: Load, until: float) -> None:
    """POST requests that were under way may have failed; another pod may not be asked to do them once more."""
    load.nothing_lost()
    assert [str(one) for one in load.requests.failed if one.method != "POST"] == []
    assert [str(one) for one in load.failed(from_=until)] == []
    assert len(load.requests.failed) <= load.requests.rate * IN_FLIGHT / 4


@pytest.mark.ci
@pytest.mark.row("pod of {service} deleted")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_a_deleted_pod(service: str, under_load: UnderLoad) -> None:
    """It drains: nothing fails."""
    (victim, _) = pods(service)
    async with under_load() as load:
        await call("delete", "pod", victim.name)
        await soon(lambda: [pod.ready for pod in pods(service)] == [True, True], f"two pods of {service} are ready")
    assert victim.name not in names(service)
    load.nothing_failed()


@pytest.mark.row("pod of {service} deleted by force")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_a_pod_deleted_by_force(service: str, under_load: UnderLoad) -> None:
    """Without a grace period."""
    (victim, _) = pods(service)
    async with under_load() as load:
        await call("delete", "pod", victim.name, "--grace-period=0", "--force")
        gone = time.monotonic() - load.since
        await soon(lambda: [pod.ready for pod in pods(service)] == [True, True], f"two pods of {service} are ready")
    assert victim.name not in names(service)
    only_in_flight(load, gone + IN_FLIGHT)


@needs_nodes
@pytest.mark.row("kill -9 in a pod of {service}")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_a_killed_process(service: str, under_load: UnderLoad) -> None:
    """The kubelet starts the container again in the same pod."""
    (victim, _) = pods(service)
    async with under_load() as load:
        await asyncio.to_thread(kill_process, victim)
        gone = time.monotonic() - load.since
        await soon(
            lambda: any(
                pod.ready and pod.restarts > victim.restarts for pod in pods(service) if pod.name == victim.name
            ),
            f"{victim.name} was started again",
        )
    only_in_flight(load, gone + IN_FLIGHT)


@pytest.mark.ci
@pytest.mark.row("eviction of both pods of api")
@pytest.mark.timeout(240)
async def test_evictions(under_load: UnderLoad) -> None:
    """The second is refused (429) until the first pod is replaced."""
    first, second = pods("api")
    refused = []
    async with under_load() as load:
        assert await asyncio.to_thread(evict, first.name) == ""
        while (said := await asyncio.to_thread(evict, second.name)) != "":
            refused.append(said)
            assert time.monotonic() - load.since < 90, said
            await asyncio.sleep(0.5)
        replaced = {pod.name for pod in pods("api") if pod.ready}
        await rolled_out("api")
    assert refused
    assert all("disruption budget" in said for said in refused)
    assert replaced - {first.name, second.name}
    load.nothing_failed()


def evict(pod: str) -> str:
    """Empty if it is evicted, else why not."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "millrace"}}
    path = f"/api/v1/namespaces/millrace/pods/{pod}/eviction"
    ran = kubectl.run("create", "--raw", path, "-f", "-", given=json.dumps(eviction))
    return ran.stderr.decode() if ran.returncode else ""


@pytest.mark.ci
@pytest.mark.row("drain of a node")
@pytest.mark.timeout(300)
async def test_a_drain(under_load: UnderLoad) -> None:
    """Its pods are elsewhere afterwards, and nothing was noticed."""
    node = pods("api")[0].node
    async with under_load() as load:
        try:
            await call("drain", node, *DRAIN, "--timeout=170s", within=180)
            here = [pod.name for service in ("api", "realtime", "gateway") for pod in pods(service) if pod.node == node]
            await all_rolled_out()
        finally:
            await call("uncordon", node)
    assert here == []
    load.nothing_failed()


@pytest.mark.row("drain of each node in turn")
@pytest.mark.timeout(600)
async def test_drains_of_all_nodes(under_load: UnderLoad) -> None:
    """After the first two all pods are on the third: there the budget is seen to hold a pod back."""
    first, second, third = all_nodes()[:3]
    said = ""
    async with under_load() as load:
        try:
            for node in (first, second):
                await call("drain", node, *DRAIN, "--timeout=170s", within=180)
                await all_rolled_out()
            assert {pod.node for pod in pods("api")} == {third}
            await call("uncordon", first, second)
            ran = await asyncio.to_thread(kubectl.run, "drain", third, *DRAIN, "--timeout=170s", within=180)
            said = ran.stderr.decode()
            await all_rolled_out()
        finally:
            await call("uncordon", first, second, third)
    assert ran.returncode == 0, said
    assert "Cannot evict pod as it would violate the pod's disruption budget" in said
    assert len({pod.node for pod in pods("api")}) == 2
    load.nothing_failed()


async def all_rolled_out() -> None:
    for service in ("api", "realtime", "gateway"):
        await rolled_out(service)
