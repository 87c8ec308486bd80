"""The nodes of a test cluster that are containers (`K8S_NODES=docker`), and what is done to them and on them."""

import asyncio
import json
import os
from collections.abc import Sequence

from tests.containers.engine import docker

# Containers of a pod, by its uid; the first that runs is as good as any other, for they share the network.
_PID = (
    'ids=$(ctr -n k8s.io containers ls -q "labels.\\"io.kubernetes.pod.uid\\"==$1")'
    ' && pid=$(ctr -n k8s.io tasks ls | grep -F "$ids" | awk \'{print $2; exit}\') && [ -n "$pid" ]'
)
# In the pod's own network: nothing passes, also not to a pod on the same node, and its connections see no reset.
_CUT_POD = _PID + ' && for way in "INPUT ! -i" "OUTPUT ! -o"; do nsenter -t "$pid" -n iptables $2 $way lo -j DROP; done'
# Not `docker network disconnect`: the interface that a node gets back has no routes to the other nodes' pods.
_CUT_NODE = (
    "way=$(ip route show default | awk '{print $5; exit}')"
    ' && iptables -t raw $1 PREROUTING -i "$way" -j DROP && iptables -t mangle $1 POSTROUTING -o "$way" -j DROP'
)
_INSERT, _DELETE = "-I", "-D"


class Nodes:
    """Each node is a container named `millrace-<node>` with containerd in it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def expendable(self) -> list[str]:
        """Those without a published port: the others are the suite's own way into the cluster."""
        return [name for name in self.names if not self._published(name)]

    def _published(self, node: str) -> bool:
        (facts,) = json.loads(docker("inspect", _container(node)).stdout)
        return bool(facts["HostConfig"].get("PortBindings"))

    async def kill(self, node: str) -> None:
        await _docker("kill", _container(node))

    async def start(self, node: str) -> None:
        await _docker("start", _container(node))

    async def pause(self, node: str) -> None:
        await _docker("pause", _container(node))

    async def resume(self, node: str) -> None:
        await _docker("unpause", _container(node))

    async def cut(self, node: str) -> None:
        await self._shell(node, _CUT_NODE, _INSERT)

    async def mend(self, node: str) -> None:
        await self._shell(node, _CUT_NODE, _DELETE)

    async def kill_container(self, node: str, container: str) -> None:
        """SIGKILL of all processes of a pod's container. The kubelet starts it again."""
        await self._shell(node, 'ctr -n k8s.io tasks kill --all --signal SIGKILL "$1"', container)

    async def freeze_container(self, node: str, container: str) -> None:
        await self._shell(node, 'ctr -n k8s.io tasks pause "$1"', container)

    async def thaw_container(self, node: str, container: str) -> None:
        await self._shell(node, 'ctr -n k8s.io tasks resume "$1"', container)

    async def cut_pod(self, node: str, uid: str) -> None:
        await self._shell(node, _CUT_POD, uid, _INSERT)

    async def mend_pod(self, node: str, uid: str) -> None:
        await self._shell(node, _CUT_POD, uid, _DELETE)

    async def _shell(self, node: str, script: str, *arguments: str) -> None:
        await _docker("exec", _container(node), "sh", "-c", script, "sh", *arguments)


def reachable(names: Sequence[str]) -> Nodes | None:
    """None unless `K8S_NODES` says how. Raises `ValueError` for a way that does not exist."""
    way = os.environ.get("K8S_NODES", "")
    if way not in {"", "docker"}:
        raise ValueError(f"K8S_NODES: {way!r} is not a way to reach nodes; there is docker")
    return Nodes(names) if way else None


def _container(node: str) -> str:
    return f"millrace-{node}"


async def _docker(*arguments: str) -> None:
    try:
        await asyncio.to_thread(docker, *arguments)
    except AssertionError as failed:
        raise RuntimeError(str(failed)) from failed
