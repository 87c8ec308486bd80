"""What the API server says about pods and nodes, read from its JSON: pure functions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.replicas import SERVICES, numbered

_LABEL = "app.kubernetes.io/name"
_NAMESPACE = "millrace"
_VALKEY = {"valkey": "redis"}
# For `bash -c` with host, port and path: no image is sure to have curl.
_ASK = (
    r'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" "$2" >&3'
    r' && read -r line <&3 && [[ $line == *" 200 "* ]]'
)

type Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod that is meant to run. `check`: a command that succeeds in it if its readiness probe would."""

    name: str
    uid: str
    service: str
    node: str
    container: str
    restarts: int
    ready: bool
    check: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """`pods` by service, the oldest first. `nodes`: whether each takes pods and those in kube-system are ready."""

    pods: Mapping[str, Sequence[Pod]]
    nodes: Mapping[str, bool]

    def names(self) -> dict[str, Pod]:
        """Each pod by the name that faults use now."""
        return numbered(self.pods)

    def pod(self, name: str) -> Pod | None:
        """The one with this stable name: `api-2` is the younger of two. None while there is none."""
        service, number = name, 1
        if found := re.fullmatch(r"(.+)-(\d+)", name):
            service, number = found[1], int(found[2])
        several = self.pods.get(service, ())
        return several[number - 1] if number <= len(several) else None

    def on(self, node: str) -> list[str]:
        """The services with a pod on a node."""
        return [service for service, pods in self.pods.items() if any(pod.node == node for pod in pods)]


def view_of(objects: Iterable[Object]) -> View:
    """Of Pods (of any namespace) and Nodes."""
    everything = list(objects)
    pods: dict[str, list[Pod]] = {}
    present = [one for one in everything if one["kind"] == "Pod" and not _ends(one)]
    for one in sorted(present, key=_age):
        name = one["metadata"].get("labels", {}).get(_LABEL, "")
        service = _VALKEY.get(name, name)
        if one["metadata"]["namespace"] == _NAMESPACE and service in SERVICES:
            pods.setdefault(service, []).append(_pod(service, one))
    nodes = {one["metadata"]["name"]: _takes_pods(one) for one in everything if one["kind"] == "Node"}
    for one in present:
        if one["metadata"]["namespace"] == "kube-system" and not _is(one, "Ready"):
            nodes[one["spec"].get("nodeName", "")] = False
    return View(pods, nodes)


def _age(pod: Object) -> tuple[str, str]:
    return pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]


def _ends(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def _is(one: Object, condition: str) -> bool:
    found = one.get("status", {}).get("conditions", [])
    return any(each["type"] == condition and each["status"] == "True" for each in found)


def _takes_pods(node: Object) -> bool:
    return _is(node, "Ready") and not node["spec"].get("unschedulable")


def _pod(service: str, pod: Object) -> Pod:
    (container, *_) = pod["spec"]["containers"]
    (status, *_) = pod.get("status", {}).get("containerStatuses") or [{}]
    return Pod(
        name=pod["metadata"]["name"],
        uid=pod["metadata"]["uid"],
        service=service,
        node=pod["spec"].get("nodeName", ""),
        container=str(status.get("containerID", "")).rpartition("/")[2],
        restarts=status.get("restartCount", 0),
        ready=_is(pod, "Ready"),
        check=_check(container),
    )


def _check(container: Object) -> tuple[str, ...]:
    probe = container.get("readinessProbe", {})
    if "httpGet" in probe:
        named = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
        port = probe["httpGet"]["port"]
        return "bash", "-c", _ASK, "ask", str(named.get(port, port)), probe["httpGet"].get("path", "/")
    return tuple(probe["exec"]["command"]) if "exec" in probe else ("true",)
