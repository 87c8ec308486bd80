"""Taking away: what a new version no longer needs, and all of it with `make k8s-down`."""

from collections.abc import Iterator
from typing import Any

from kubernetes.kubectl import Failed
from kubernetes.target import NAMESPACE, Target

OURS = "app.kubernetes.io/part-of=millrace"
# What the manifests may contain, but for the namespace and the volumes' claims.
KINDS = (
    "deployments,statefulsets,cronjobs,jobs,services,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,"
    "horizontalpodautoscalers,resourcequotas,limitranges"
)

type Object = dict[str, Any]


def end_former_jobs(target: Target, objects: list[Object]) -> None:
    """Delete Jobs of other releases that still try: a migration that was given up must not come back later."""
    keep = _names(objects)
    for job in target.kubectl.items("jobs", "--selector", OURS):
        over = {one["type"] for one in job.get("status", {}).get("conditions", []) if one["status"] == "True"}
        # Those of a CronJob are its own.
        ours = not job["metadata"].get("ownerReferences")
        if ours and ("Job", job["metadata"]["name"]) not in keep and not over & {"Complete", "Failed"}:
            target.kubectl("delete", "job", job["metadata"]["name"], "--wait=false")


def prune(target: Target, objects: list[Object]) -> None:
    """Delete what an earlier deployment had and this one has not. What a former revision needs for a rollback stays."""
    keep = _names(objects)
    used = set(_used(target))
    gone = [
        f"{one['kind'].lower()}/{one['metadata']['name']}"
        for one in target.kubectl.items(KINDS, "--selector", OURS)
        if (one["kind"], one["metadata"]["name"]) not in keep
        and not one["metadata"].get("ownerReferences")
        and one["metadata"]["name"] not in used
    ]
    if gone:
        target.kubectl("delete", "--wait=false", *gone)


def _names(objects: list[Object]) -> set[tuple[str, str]]:
    return {(one["kind"], one["metadata"]["name"]) for one in objects}


def _used(target: Target) -> Iterator[str]:
    """Names of the ConfigMaps and Secrets that a kept revision of a workload, or a pod, refers to."""
    for one in target.kubectl.items("replicasets,statefulsets,jobs,pods"):
        spec = one["spec"]["template"]["spec"] if one["kind"] != "Pod" else one["spec"]
        for volume in spec.get("volumes", []):
            yield volume.get("secret", {}).get("secretName", "")
            yield volume.get("configMap", {}).get("name", "")
        for container in spec["containers"]:
            for source in container.get("envFrom", []):
                yield source.get("configMapRef", {}).get("name", "")
            for variable in container.get("env", []):
                source = variable.get("valueFrom", {})
                yield source.get("configMapKeyRef", {}).get("name", "")
                yield source.get("secretKeyRef", {}).get("name", "")


def down(target: Target, *, volumes: bool) -> None:
    """Remove what runs. The data, its passwords and the namespace stay, unless `volumes`."""
    kubectl = target.kubectl
    if kubectl.run("get", "namespace", NAMESPACE).returncode:
        print(f"k8s-down: there is no namespace {NAMESPACE}")
        return
    if volumes:
        kubectl("delete", "namespace", NAMESPACE, "--timeout=170s", within=180)
        for path in sorted((target.folder / "secrets").glob("*")):
            path.unlink()
        print("k8s-down: everything is removed, the data too")
        return
    kinds = KINDS.replace("secrets,", "")
    kubectl("delete", kinds, "--selector", OURS, "--timeout=170s", within=180)
    left = kubectl.run("wait", "pod", "--all", "--for=delete", "--timeout=120s", within=130)
    if left.returncode and b"no matching resources" not in left.stderr:
        raise Failed(f"pods are left: {left.stderr.decode(errors='replace').strip().splitlines()[-1]}")
    print("k8s-down: stopped; the data and its passwords stay (ARGS=--volumes removes them)")
