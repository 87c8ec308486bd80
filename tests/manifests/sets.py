"""The sets of manifests in `k8s/tests`, rendered once each."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
KUBECTL = ROOT / ".venv" / "bin" / "kubectl"
# `generated` is a part of the others.
SETS = sorted(folder.name for folder in (K8S / "tests").iterdir() if folder.is_dir() and folder.name != "generated")
COMPONENTS = sorted(folder.name for folder in (K8S / "components").iterdir() if folder.is_dir())
WORKLOADS = {"Deployment", "StatefulSet", "Job", "CronJob"}

type Object = dict[str, Any]


@cache
def objects(name: str) -> list[Object]:
    """The objects of a set. Fails with what kubectl said if the set cannot be rendered."""
    ran = subprocess.run(
        [KUBECTL, "kustomize", K8S / "tests" / name], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr, ran.stderr
    return [one for one in yaml.safe_load_all(ran.stdout) if one]


def of_kind(name: str, *kinds: str) -> list[Object]:
    """The objects of these kinds in a set."""
    return [one for one in objects(name) if one["kind"] in kinds]


def named(name: str, kind: str, wanted: str) -> Object:
    """The one object with this kind and name in a set."""
    (found,) = [one for one in of_kind(name, kind) if one["metadata"]["name"] == wanted]
    return found


def template(workload: Object) -> Object:
    """The pod template of a workload."""
    spec = workload["spec"]
    found: Object = spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]
    return found


def pods(name: str) -> Iterator[tuple[str, Object]]:
    """What every pod of a set is made of: `Deployment/api` and its pod template."""
    for one in of_kind(name, *WORKLOADS):
        yield f"{one['kind']}/{one['metadata']['name']}", template(one)


def containers(pod: Object) -> list[Object]:
    """All containers of a pod template."""
    return [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector, as policies and budgets have it, chooses these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In", rule
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True
