"""The cluster as kubectl shows it, and waiting for it."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubernetes.kubectl import Kubectl
from kubernetes.progress import missing
from kubernetes.target import NAMESPACE

DEADLINE = 120.0
kubectl = Kubectl(namespace=NAMESPACE)
system = Kubectl(namespace="kube-system")

type Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod that is not being deleted."""

    facts: Object

    @property
    def name(self) -> str:
        return str(self.facts["metadata"]["name"])

    @property
    def node(self) -> str:
        return str(self.facts["spec"].get("nodeName", ""))

    @property
    def address(self) -> str:
        return str(self.facts["status"].get("podIP", ""))

    @property
    def ready(self) -> bool:
        conditions = self.facts["status"].get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    @property
    def restarts(self) -> int:
        return sum(one["restartCount"] for one in self.facts["status"].get("containerStatuses", []))

    @property
    def container(self) -> str:
        """The identity that the container runtime knows."""
        (status,) = self.facts["status"]["containerStatuses"]
        return str(status["containerID"]).rpartition("/")[2]


def pods(service: str) -> list[Pod]:
    """The pods of a service that are not being deleted."""
    found = kubectl.items("pods", "--selector", f"app.kubernetes.io/name={service}")
    return [Pod(one) for one in found if "deletionTimestamp" not in one["metadata"]]


def names(service: str) -> set[str]:
    return {pod.name for pod in pods(service)}


def eventually[T](ask: Callable[[], T], said: str, within: float = DEADLINE) -> T:
    """The first true answer. Fails after `within` seconds, with `said`."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {said}")
        time.sleep(0.5)
    return answer


async def soon[T](ask: Callable[[], T], said: str, within: float = DEADLINE) -> T:
    """As `eventually`, while the load goes on."""
    return await asyncio.to_thread(eventually, ask, said, within)


async def call(*arguments: str, within: float = DEADLINE) -> str:
    """What `kubectl` prints, while the load goes on."""
    return await asyncio.to_thread(lambda: kubectl(*arguments, within=within))


async def roll(service: str) -> None:
    """`kubectl rollout restart` of a Deployment, to its end."""
    await call("rollout", "restart", f"deployment/{service}")
    await rolled_out(service)


async def rolled_out(service: str) -> None:
    """Every pod is of the newest version and ready, and the former ones are gone."""
    await call("rollout", "status", f"deployment/{service}", "--timeout=170s", within=180)
    await soon(lambda: not terminating(service), f"no pod of {service} is being deleted")


def terminating(service: str) -> list[str]:
    found = kubectl.items("pods", "--selector", f"app.kubernetes.io/name={service}")
    return [one["metadata"]["name"] for one in found if "deletionTimestamp" in one["metadata"]]


def unsettled() -> list[str]:
    """Everything that is not as it should be between two tests: nodes, workloads, pods that are being deleted."""
    wrong = []
    for node in kubectl.items("nodes"):
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"]["conditions"])
        if not ready or node["spec"].get("unschedulable") or node["spec"].get("taints"):
            wrong.append(f"node/{node['metadata']['name']} is not ready, or takes no pods")
    workloads = [*kubectl.items("deployments,statefulsets,jobs"), *system.items("deployments")]
    wrong += [f"{one['kind'].lower()}/{one['metadata']['name']}: {lack}" for one in workloads if (lack := missing(one))]
    going = [one for one in kubectl.items("pods") if "deletionTimestamp" in one["metadata"]]
    return wrong + [f"pod/{pod['metadata']['name']} is being deleted" for pod in going]


def wait_until_settled(within: float = 180.0) -> None:
    """Returns when nothing is wrong any more."""
    deadline = time.monotonic() + within
    while wrong := unsettled():
        if time.monotonic() > deadline:
            raise AssertionError(f"the cluster did not settle within {within:.0f} s: {'; '.join(wrong)}")
        time.sleep(1)


def sql(statements: str) -> str:
    """What psql prints for these statements, as the owner of the database."""
    command = ("psql", "-U", "postgres", "-d", "millrace", "-qtA", "-v", "ON_ERROR_STOP=1")
    return kubectl("exec", "-i", "statefulset/postgres", "--", *command, given=statements)


def patch(kind: str, name: str, change: Object, *, how: str = "strategic") -> None:
    kubectl("patch", kind, name, "--type", how, "--patch", json.dumps(change))
