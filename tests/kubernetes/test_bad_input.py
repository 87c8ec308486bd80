"""What `make k8s-up` says of what cannot work: in time, with the object and its event, and the old version serves."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.kubernetes.cluster import kubectl, names
from tests.kubernetes.stack import API_URL, ROOT, millrace, succeed

from kubernetes.kubectl import program

pytestmark = pytest.mark.timeout(300)

SECONDS = 20
# Beside the waiting: looking at the cluster, at the nodes' images, and applying.
_BESIDE = 40
SERVICES = ("api", "realtime", "gateway")


def overlay(folder: Path, resources: list[dict[str, Any]], patches: list[dict[str, Any]]) -> Path:
    """The overlay `local` with something on top."""
    (folder / "more.yaml").write_text(yaml.safe_dump_all(resources))
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "millrace",
        "resources": [
            os.path.relpath(ROOT / "k8s" / "overlays" / "local", folder),
            *(["more.yaml"] if resources else []),
        ],
        "patches": patches,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return folder


def api_patch(*operations: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"target": {"kind": "Deployment", "name": "api"}, "patch": yaml.safe_dump(list(operations))}]


def missing_secret(folder: Path) -> Path:
    path = "/spec/template/spec/volumes/0/secret/secretName"
    return overlay(folder, [], api_patch({"op": "replace", "path": path, "value": "suite-absent"}))


def full_nodes(folder: Path) -> Path:
    path = "/spec/template/spec/containers/0/resources/requests/cpu"
    return overlay(folder, [], api_patch({"op": "replace", "path": path, "value": "500"}))


def small_quota(folder: Path) -> Path:
    """Full with what runs; the pods of the api change, so that one more would be needed."""
    used = len(kubectl.items("pods", "--field-selector", "status.phase=Running"))
    metadata = {"name": "suite-small", "labels": {"suite": "1"}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": str(used)}}}
    path = "/spec/template/metadata/annotations"
    return overlay(folder, [quota], api_patch({"op": "add", "path": path, "value": {"suite": folder.name}}))


CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a Secret that is missing": (missing_secret, 'secret "suite-absent" not found'),
    "a quota that is too small": (small_quota, "exceeded quota: suite-small"),
    "nodes too full for one more pod": (full_nodes, "Insufficient cpu"),
}


@pytest.mark.ci
@pytest.mark.row("bad input: {case}")
@pytest.mark.parametrize("case", CASES)
def test_what_cannot_become_ready(case: str, tmp_path: Path) -> None:
    """It ends in time and names the Deployment and its last event."""
    make, event = CASES[case]
    serving = {service: names(service) for service in SERVICES}
    began = time.monotonic()
    ran = millrace("up", K8S_OVERLAY=str(make(tmp_path)), K8S_SECONDS=str(SECONDS))
    took = time.monotonic() - began
    answers = {httpx.get(f"{API_URL}/api/items/", timeout=5).status_code for _ in range(20)}
    left = {service: names(service) & former for service, former in serving.items()}
    kubectl("delete", "resourcequota", "suite-small", "--ignore-not-found")
    succeed("up")
    assert ran.returncode == 1
    assert took < SECONDS + _BESIDE
    assert "deployment/api is not ready" in ran.stderr
    assert "last event: " in ran.stderr
    assert event in ran.stderr
    assert "still serves" in ran.stderr
    assert left == serving
    assert answers == {200}


@pytest.mark.ci
@pytest.mark.row("bad input: a namespace with other labels")
def test_a_namespace_that_is_not_ours() -> None:
    """Nothing is changed in it."""
    kubectl("label", "namespace", "millrace", "app.kubernetes.io/part-of-")
    try:
        ran = millrace("up")
    finally:
        kubectl("label", "namespace", "millrace", "app.kubernetes.io/part-of=millrace")
    refused(ran, "a namespace millrace exists that was not made by these manifests", "kubectl label namespace millrace")


@pytest.mark.ci
@pytest.mark.row("bad input: {case}")
@pytest.mark.parametrize(
    ("case", "answer", "sentence"),
    [
        ("a cluster older than 1.34", "v1.33.4", "the cluster has Kubernetes 1.33; these manifests need 1.34 or newer"),
        ("a cluster that does not answer", "", "does not answer"),
    ],
)
def test_a_cluster_that_cannot_be_used(case: str, answer: str, sentence: str, tmp_path: Path) -> None:
    """A kubectl that gives another answer to `version` stands in for it."""
    said = f'{{"serverVersion": {{"gitVersion": "{answer}"}}}}' if answer else ""
    fake = tmp_path / "kubectl"
    does = f"echo '{said}'; exit 0" if answer else "echo 'connection refused' >&2; exit 1"
    fake.write_text(f'#!/bin/sh\ncase " $* " in *" version "*) {does};; esac\nexec {program()} "$@"\n')
    fake.chmod(0o755)
    refused(millrace("up", KUBECTL=str(fake)), sentence)


@pytest.mark.ci
@pytest.mark.row("bad input: a context that looks like production")
def test_a_context_that_looks_like_production(tmp_path: Path) -> None:
    """It has to be named."""
    config = tmp_path / "kubeconfig"
    config.write_text(kubectl("config", "view", "--raw", "--flatten"))
    config.chmod(0o600)
    context = kubectl("config", "current-context").strip()
    kubectl("--kubeconfig", str(config), "config", "rename-context", context, "shop-production")
    refused(millrace("up", KUBECONFIG=str(config)), "looks like production: set K8S_CONTEXT=shop-production")


def refused(ran: subprocess.CompletedProcess[str], *sentences: str) -> None:
    """One line, exit code 1."""
    assert ran.returncode == 1
    (line,) = ran.stderr.strip().splitlines()
    for sentence in sentences:
        assert sentence in line
