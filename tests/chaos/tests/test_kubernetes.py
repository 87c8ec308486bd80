"""Chaos on Kubernetes as far as it needs no cluster: names, health, faults, and which failures they explain."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.availability import unanswered
from tests.chaos.database import Database
from tests.chaos.history import Event
from tests.chaos.kubernetes.cluster import Cluster
from tests.chaos.kubernetes.control import KubernetesControl
from tests.chaos.kubernetes.faults import BY_KUBECTL, ON_NODES, kubernetes_faults
from tests.chaos.kubernetes.nodes import reachable
from tests.chaos.kubernetes.rules import NOTICED, by_hits
from tests.chaos.kubernetes.view import view_of
from tests.chaos.measures import windows_of
from tests.chaos.options import from_environment
from tests.chaos.replicas import SERVICES

from kubernetes.kubectl import Failed, Kubectl

HTTP_PROBE = {"httpGet": {"path": "/health/ready", "port": "http"}}
PODS = ["gateway-1", "gateway-2", "api-1", "api-2", "realtime-1", "realtime-2", "mock-upstream", "postgres", "redis"]


def pod(service: str, name: str, *, age: int = 0, ready: bool = True, **more: Any) -> dict[str, Any]:
    """As the API server shows it; a larger `age` is older."""
    container = {"ports": [{"name": "http", "containerPort": 8000}], "readinessProbe": more.get("probe", HTTP_PROBE)}
    metadata = {
        "name": name,
        "namespace": more.get("namespace", "millrace"),
        "uid": f"uid-{name}",
        "labels": {"app.kubernetes.io/name": service},
        "creationTimestamp": f"2026-11-30T08:{59 - age:02d}:00Z",
    }
    status = {
        "phase": more.get("phase", "Running"),
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [{"containerID": f"containerd://id-{name}", "restartCount": 2}],
    }
    if more.get("leaving"):
        metadata["deletionTimestamp"] = "2026-11-30T09:00:00Z"
    spec = {"nodeName": more.get("node", "n1"), "containers": [container]}
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def node(name: str, *, ready: bool = True, cordoned: bool = False) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    spec = {"unschedulable": True} if cordoned else {}
    return {"kind": "Node", "metadata": {"name": name}, "spec": spec, "status": {"conditions": conditions}}


def test_names_go_by_age() -> None:
    """A replacement is the younger one, and a pod that ends has no name; Valkey is `redis`, and Jobs are left out."""
    before = view_of([pod("api", "api-x", age=2), pod("api", "api-y", age=1), pod("valkey", "valkey-z")])
    assert {name: one.name for name, one in before.names().items()} == {
        "api-1": "api-x",
        "api-2": "api-y",
        "redis": "valkey-z",
    }
    jobs = [pod("migrate", "migrate-1", phase="Succeeded"), pod("postgres", "other", namespace="else")]
    after = view_of([pod("api", "api-x", age=2, leaving=True), pod("api", "api-y", age=1), pod("api", "api-a"), *jobs])
    assert [one.name for one in after.pods["api"]] == ["api-y", "api-a"]
    assert list(after.pods) == ["api"]
    assert after.pod("api-3") is after.pod("postgres") is None
    assert after.pod("api-2") == after.pods["api"][1]


def test_what_a_pod_is_asked() -> None:
    """Its own readiness probe, from inside."""
    view = view_of([pod("api", "api-x"), pod("valkey", "valkey-z", probe={"exec": {"command": ["ping"]}}, ready=False)])
    api, redis = view.pods["api"][0], view.pods["redis"][0]
    assert (api.check[-2:], redis.check) == (("8000", "/health/ready"), ("ping",))
    assert (api.ready, redis.ready, api.container, api.restarts) == (True, False, "id-api-x", 2)


def test_when_a_node_is_healthy() -> None:
    """It takes pods, and the name server on it is ready."""
    dns = pod("dns", "coredns", namespace="kube-system", ready=False, node="n4")
    nodes = [node("n1"), node("n2", ready=False), node("n3", cordoned=True), node("n4")]
    assert view_of([*nodes, dns]).nodes == {"n1": True, "n2": False, "n3": False, "n4": False}
    assert view_of([pod("api", "x", node="n2"), pod("gateway", "y", node="n1")]).on("n2") == ["api"]


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[KubernetesControl, Path]:
    """With a kubectl that answers `get` with `pods.json`, logs what else it is told, and fails if `fails` exists."""
    script = tmp_path / "kubectl"
    script.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\n[ "$1" != get ] || exec cat pods.json\necho "$*" >>said\n[ ! -e fails ]\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("KUBECTL", str(script))
    database = Database("postgresql://127.0.0.1:1/none")
    return KubernetesControl(Cluster(Kubectl(), nodes=False), database, "http://127.0.0.1:1/", None), tmp_path


def show(folder: Path, *pods: dict[str, Any]) -> None:
    (folder / "pods.json").write_text(json.dumps({"items": pods}))


async def test_a_pod_is_healthy_if_it_says_so_itself(control: tuple[KubernetesControl, Path]) -> None:
    """What the API server says is not enough; asked once after each fault."""
    kubernetes, folder = control
    show(folder, pod("api", "api-x"))
    assert await kubernetes.healthy("api")
    assert await kubernetes.healthy("api")
    assert not await kubernetes.healthy("api-2")
    assert (folder / "said").read_text().count("exec api-x") == 1
    (folder / "fails").touch()
    await kubernetes.start("api")
    assert not await kubernetes.healthy("api")


async def test_a_kill_goes_to_the_pod_that_has_the_name_now(control: tuple[KubernetesControl, Path]) -> None:
    """Not to the one that had it when the run began."""
    kubernetes, folder = control
    show(folder, pod("api", "api-x", age=1), pod("api", "api-y"))
    await kubernetes.kill("api-1")
    show(folder, pod("api", "api-y", age=1), pod("api", "api-z"))
    await kubernetes.kill("api-1")
    said = (folder / "said").read_text().splitlines()
    assert [line.split()[2] for line in said] == ["api-x", "api-y"]
    with pytest.raises(Failed, match="there is no pod for postgres now"):
        await kubernetes.kill("postgres")
    with pytest.raises(Failed, match="set K8S_NODES=docker"):
        await kubernetes.pause("api-1")


def test_faults_without_a_way_to_the_nodes(control: tuple[KubernetesControl, Path]) -> None:
    """What kubectl does by itself, but never a forced replacement of PostgreSQL."""
    faults = kubernetes_faults(control[0], PODS, None)
    assert set(faults) == {f"{service}-{kind}" for service in SERVICES for kind in BY_KUBECTL} - {"postgres-kill"}
    assert not set(BY_KUBECTL) & set(ON_NODES)
    assert all(nemesis.paired for nemesis in faults.values())


def test_how_nodes_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at all unless it is said, and only in a way that exists."""
    monkeypatch.delenv("K8S_NODES", raising=False)
    assert reachable(["n1"]) is None
    monkeypatch.setenv("K8S_NODES", "ssh")
    with pytest.raises(ValueError, match="'ssh' is not a way to reach nodes"):
        reachable(["n1"])
    monkeypatch.setenv("K8S_NODES", "docker")
    found = reachable(["n1"])
    assert found is not None
    assert found.names == ["n1"]


def test_kubernetes_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make k8s-chaos` sets it, and the results have a folder of their own."""
    monkeypatch.setenv("KUBERNETES", "1")
    monkeypatch.setenv("SEED", "7")
    options = from_environment()
    assert (options.kubernetes, options.containers, options.folder.name) == (True, False, "kubernetes-seed-7")


def explained(fault: str, services: str, *, at: float = 12.0) -> set[str]:
    """Which of these requests a fault from 10 s on explains, if they begin at this time and fail at once."""
    step = [
        Event(10.0, "fault_start", fault=fault),
        Event(10.0, "hit", fault=fault, place="x", why=services),
        Event(80.0, "fault_stop", fault=fault),
        Event(90.0, "healed", fault=fault),
    ]
    asked = {
        "get": ("GET", "/api/items/"),
        "database": ("GET", "/api/rooms/"),
        "post": ("POST", "/api/items/"),
        "upstream": ("GET", "/api/gather/"),
    }
    requests = {
        name: Event(at + 0.1, "request", via=method, place=path, code=502, took=0.1)
        for name, (method, path) in asked.items()
    }
    return {name for name, one in requests.items() if not list(unanswered([one], windows_of(step), by_hits))}


EVERYTHING = {"get", "database", "post", "upstream"}


@pytest.mark.parametrize("kind", ["kill", "crash", "pause", "cut"])
def test_what_an_abrupt_end_of_a_pod_explains(kind: str) -> None:
    """What a client sent to that gateway, what only that replica knows, what needs the only database."""
    assert explained(f"gateway-{kind}", "gateway") == EVERYTHING
    assert explained(f"api-{kind}", "api") == {"post"}
    assert explained(f"postgres-{kind}", "postgres") == {"database"}
    for service in ("realtime", "mock-upstream", "redis"):
        assert explained(f"{service}-{kind}", service) == set()


def test_what_a_graceful_end_explains() -> None:
    """Only that the one database moves."""
    assert explained("gateway-terminate", "gateway") == explained("api-terminate", "api") == set()
    assert explained("node-drain", "gateway api realtime redis") == set()
    assert explained("node-drain", "api postgres") == {"database"}


def test_what_a_fault_of_a_node_explains() -> None:
    """What ran there; a gateway only until the cluster has to know."""
    assert explained("node-kill", "realtime redis") == set()
    assert explained("node-pause", "api realtime") == {"post"}
    assert explained("node-cut", "gateway") == EVERYTHING
    assert explained("node-lost", "gateway", at=10 + NOTICED + 1) == set()
    assert explained("node-lost", "gateway postgres", at=10 + NOTICED + 1) == {"database"}
