"""Nodes that stop answering."""

import asyncio
import time

import pytest
from tests.kubernetes.cluster import call, kubectl, pods, roll, soon
from tests.kubernetes.conftest import UnderLoad
from tests.kubernetes.load import Load
from tests.kubernetes.nodes import FAULTS, all_nodes, cordoned, heal, needs_nodes
from tests.kubernetes.report import Figures

pytestmark = [needs_nodes, pytest.mark.timeout(600)]

# Above nginx's `proxy_read_timeout`: whatever waits for a node that says nothing has its answer by then.
ANSWERED = 16.0
# A pod elsewhere: the node is noticed after 20 s, and its pods are replaced 30 s later.
ELSEWHERE = 60.0
# The kernel of a paused node takes connections, so a gateway sends a request there now and then: nginx' `fail_timeout`.
TRIED_EVERY = 2.0
# By then Kubernetes knows, and no new connection goes to a pod on it, gateways included. Only a load balancer's own
# checks are faster.
GATEWAY_GONE = 25.0


def control_plane() -> str:
    """The node that the published ports and the API server are on: it cannot be harmed."""
    (address,) = {one["addresses"][0]["ip"] for one in _endpoints()}
    nodes = kubectl.items("nodes")
    (name,) = (
        node["metadata"]["name"] for node in nodes if address in {one["address"] for one in node["status"]["addresses"]}
    )
    return str(name)


def _endpoints() -> list[dict[str, list[dict[str, str]]]]:
    found = kubectl.json("get", "endpoints", "kubernetes", "-n", "default")
    subsets: list[dict[str, list[dict[str, str]]]] = found["subsets"]
    return subsets


async def arranged(victim: str, *, gateway: bool) -> None:
    """The victim has a pod of api and realtime, none of the databases, and a gateway only if it is asked for."""
    away = [name for name, wanted in (("gateway", gateway),) if (victim in nodes_of(name)) != wanted]
    databases = [name for name in ("postgres", "valkey") if victim in nodes_of(name)]
    with cordoned(victim):
        for name in databases:
            await call("delete", "pod", pods(name)[0].name)
        if away and not gateway:
            await roll("gateway")
    others = [name for name in all_nodes() if name not in {victim, control_plane()}]
    with cordoned(*others):
        if away and gateway:
            await roll("gateway")
        for name in ("api", "realtime"):
            if victim not in nodes_of(name):
                await roll(name)
    for name in databases:
        await soon(lambda name=name: [pod.ready for pod in pods(name)] == [True], f"{name} is ready")  # type: ignore[misc]
    assert (victim in nodes_of("gateway")) == gateway
    assert victim in nodes_of("api") & nodes_of("realtime")
    assert victim not in nodes_of("postgres") | nodes_of("valkey")


def nodes_of(service: str) -> set[str]:
    return {pod.node for pod in pods(service)}


async def suffered(load: Load, victim: str, fault: str) -> None:
    """The fault, until the victim's pods are replaced elsewhere."""
    await asyncio.to_thread(FAULTS[fault], victim)
    for service in ("api", "realtime"):
        await soon(
            lambda service=service: len({p.name for p in pods(service) if p.ready and p.node != victim}) == 2,  # type: ignore[misc]
            f"two pods of {service} are on other nodes",
            ELSEWHERE + load.since - time.monotonic(),
        )


async def healed(victim: str) -> None:
    await asyncio.to_thread(heal, victim)
    await call("wait", "node", victim, "--for=condition=Ready", "--timeout=120s", within=130)


@pytest.mark.row("node {fault}")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_node_without_gateway_and_database(fault: str, under_load: UnderLoad, figures: Figures) -> None:
    """Requests are answered in 16 s by another pod; only a few wait, until Kubernetes knows."""
    victim = all_nodes()[-1]
    await arranged(victim, gateway=False)
    gateways = len(pods("gateway"))
    try:
        async with under_load() as load:
            await suffered(load, victim, fault)
    finally:
        await healed(victim)
    waited = load.slow(1.0)
    longest = max((one.took for one in waited), default=0.0)
    figures.note = f"{len(waited)} requests took over 1 s, {longest:.1f} s at most"
    load.nothing_lost()
    assert [str(one) for one in load.slow(ANSWERED)] == []
    assert [str(one) for one in load.requests.failed if one.method != "POST"] == []
    assert [str(one) for one in load.failed(from_=GATEWAY_GONE)] == []
    assert len(waited) <= load.requests.rate / 2 + gateways * GATEWAY_GONE / TRIED_EVERY


@pytest.mark.row("node {fault}, a gateway on it")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_node_with_a_gateway(fault: str, under_load: UnderLoad) -> None:
    """Half of the new connections go there until Kubernetes knows. Then all is well, and nothing was lost."""
    victim = all_nodes()[-1]
    await arranged(victim, gateway=True)
    try:
        async with under_load(heal=30.0) as load:
            await suffered(load, victim, fault)
    finally:
        await healed(victim)
    load.nothing_lost()
    assert load.failed(until=GATEWAY_GONE)
    assert [str(one) for one in load.failed(from_=GATEWAY_GONE)] == []
