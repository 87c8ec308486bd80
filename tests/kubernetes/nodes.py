"""The machines below the pods. Kubernetes cannot break them, so the suite has to know how they are reached.

`K8S_NODES=docker`: each node is a container of this machine's engine, named `millrace-<node>`. Without it, the tests
that break nodes are skipped.
"""

import contextlib
import os
from collections.abc import Iterator

import pytest
from tests.containers.engine import docker
from tests.kubernetes.cluster import Pod, kubectl

needs_nodes = pytest.mark.skipif(
    os.environ.get("K8S_NODES") != "docker",
    reason="breaks nodes or the cluster's own pods: K8S_NODES=docker allows it if nodes are containers millrace-<node>",
)
# The first table that a packet meets on its way in, and the last one on its way out: no rule lets it through before.
_IN, _OUT = ("raw", "PREROUTING"), ("mangle", "POSTROUTING")
# Marks our rules, because network plugins have some that drop packets too.
_OURS = "millrace-suite"
_DROP = ("-m", "comment", "--comment", _OURS, "-j", "DROP")


def container(node: str) -> str:
    return f"millrace-{node}"


def run(node: str, *command: str) -> str:
    """Run a command on a node; returns what it prints."""
    return docker("exec", container(node), *command).stdout


def pause(node: str) -> None:
    docker("pause", container(node))


def kill(node: str) -> None:
    docker("kill", container(node))


def cut_off(node: str) -> None:
    """Nothing comes in or goes out; what runs on it goes on."""
    run(node, "iptables", "-t", _IN[0], "-I", _IN[1], "-i", "eth0", *_DROP)
    run(node, "iptables", "-t", _OUT[0], "-I", _OUT[1], "-o", "eth0", *_DROP)


def isolate(pod: Pod) -> None:
    """Cut one pod off, on its node."""
    for side in ("-s", "-d"):
        run(pod.node, "iptables", "-t", _IN[0], "-I", _IN[1], side, pod.address, *_DROP)


def kill_process(pod: Pod) -> None:
    """SIGKILL for the first process of a pod's container, which nothing in the pod could send."""
    for line in run(pod.node, "ctr", "-n", "k8s.io", "task", "ls").splitlines():
        if line.startswith(pod.container):
            run(pod.node, "kill", "-9", line.split()[1])
            return
    raise AssertionError(f"{pod.node} runs no container {pod.container}")


FAULTS = {"paused": pause, "cut off": cut_off, "killed": kill}


def heal(node: str) -> None:
    """Whatever was done to it."""
    docker("unpause", container(node), check=False)
    docker("start", container(node))
    for table, chain in (_IN, _OUT):
        rules = run(node, "iptables", "-t", table, "-S", chain).splitlines()
        for rule in rules:
            if rule.startswith("-A") and _OURS in rule.split():
                run(node, "iptables", "-t", table, "-D", *rule.split()[1:])


def all_nodes() -> list[str]:
    return sorted(node["metadata"]["name"] for node in kubectl.items("nodes"))


def heal_all() -> None:
    """For the end of a test that failed: all nodes run, and take pods."""
    names = all_nodes()
    if os.environ.get("K8S_NODES") == "docker":
        for name in names:
            heal(name)
    for name in names:
        kubectl("uncordon", name)


@contextlib.contextmanager
def cordoned(*names: str) -> Iterator[None]:
    """No new pods on these nodes meanwhile."""
    kubectl("cordon", *names)
    try:
        yield
    finally:
        kubectl("uncordon", *names)
