"""`make k8s-logs`, and `make k8s-down` with and without the data."""

import os
import subprocess
import sys
import uuid

import httpx
import pytest
from tests.containers.engine import docker
from tests.kubernetes.cluster import eventually, kubectl
from tests.kubernetes.nodes import container, needs_nodes
from tests.kubernetes.stack import API_URL, ROOT, say, stored, succeed

from kubernetes.removal import KINDS, OURS


@pytest.mark.ci
@pytest.mark.row("`make k8s-logs`")
def test_logs_follow_every_pod_of_a_service() -> None:
    """A request that is made afterwards appears."""
    command = [sys.executable, "-m", "kubernetes", "logs", "api"]
    environment = {**os.environ, "PYTHONPATH": "deploy"}
    identity = uuid.uuid4().hex
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        try:
            # What is there already: it follows from here on.
            assert following.stdout.readline().startswith("[pod/api-")
            httpx.get(f"{API_URL}/api/items/", headers={"X-Request-ID": identity}, timeout=20)
            assert any(identity in line for line in following.stdout)
        finally:
            following.terminate()


@pytest.mark.ci
@pytest.mark.row("`make k8s-down`, then `make k8s-up`")
@pytest.mark.timeout(500)
def test_the_data_outlives_a_stop() -> None:
    """What runs is gone; the volume, its passwords and what was said are there afterwards."""
    said = f"before the stop {uuid.uuid4()}"
    say(said)
    secrets = sorted(one["metadata"]["name"] for one in kubectl.items("secrets", "--selector", OURS))
    succeed("down")
    assert kubectl.items(KINDS.replace("secrets,", ""), "--selector", OURS) == []
    assert kubectl.items("pods") == []
    assert sorted(one["metadata"]["name"] for one in kubectl.items("secrets", "--selector", OURS)) == secrets
    succeed("up")
    assert stored(said) == 1
    say(f"after the stop {uuid.uuid4()}")


def empty_volume(name: str, node: str) -> None:
    """What a provisioner does for volumes that are deleted with their claim; the test cluster's volume has none."""
    volume = kubectl.json("get", "persistentvolume", name)
    folder = volume["spec"]["local"]["path"]
    assert folder.startswith("/volumes/")
    docker("exec", container(node), "sh", "-c", f"rm -rf {folder}/*")
    change = [{"op": "remove", "path": "/spec/claimRef"}]
    kubectl("patch", "persistentvolume", name, "--type=json", "--patch", str(change).replace("'", '"'))


@needs_nodes
@pytest.mark.row("`make k8s-down ARGS=--volumes`, then `make k8s-up`")
@pytest.mark.timeout(500)
def test_nothing_is_left_without_volumes() -> None:
    """The namespace is gone, and the next start has new passwords and an empty database with the demo's data."""
    said = f"before the end {uuid.uuid4()}"
    say(said)
    (claim,) = kubectl.items("persistentvolumeclaims")
    volume = claim["spec"]["volumeName"]
    succeed("down", "--volumes")
    assert kubectl.run("get", "namespace", "millrace").returncode
    policy = kubectl.json("get", "persistentvolume", volume)["spec"]["persistentVolumeReclaimPolicy"]
    if policy == "Retain":
        eventually(
            lambda: kubectl.json("get", "persistentvolume", volume)["status"]["phase"] == "Released", "it is released"
        )
        empty_volume(volume, kubectl.items("nodes")[0]["metadata"]["name"])
    succeed("up")
    assert stored(said) == 0
    say(f"after the end {uuid.uuid4()}")
