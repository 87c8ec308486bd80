"""Pods that the suite makes."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import yaml
from tests.kubernetes.cluster import DEADLINE, kubectl
from tests.kubernetes.stack import image_of

NAMESPACE = "millrace-suite"
RESTRICTED = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    "automountServiceAccountToken": False,
    "terminationGracePeriodSeconds": 0,
}
CONTAINER = {"securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}


def pod(name: str, *, container: dict[str, Any] | None = None, **spec: Any) -> str:
    """A manifest of a pod that sleeps, in the restricted profile unless `spec` and `container` say something else."""
    sleeping = {
        "name": name,
        "image": image_of("api"),
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "3600"],
        **CONTAINER,
        **(container or {}),
    }
    metadata = {"name": name, "labels": {"suite": "1"}}
    content = {"containers": [sleeping], **RESTRICTED, **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": content})


@contextlib.contextmanager
def free_namespace() -> Iterator[str]:
    """A namespace without policies."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", within=DEADLINE)
    kubectl("create", "namespace", NAMESPACE)
    try:
        yield NAMESPACE
    finally:
        kubectl("delete", "namespace", NAMESPACE, within=DEADLINE)


def python_pod(namespace: str) -> None:
    """The pod `outsider`, which runs."""
    kubectl("apply", "-n", namespace, "-f", "-", given=pod("outsider"))
    kubectl("wait", "-n", namespace, "pod/outsider", "--for=condition=Ready", "--timeout=60s", within=70)


def documents(text: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(text) if one]
