"""`Control` over pods and nodes: kubectl, and for what kubectl cannot do the nodes themselves."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.chaos.control import HOLDS, POSTGRES, Reading, reading_of
from tests.chaos.database import Database
from tests.chaos.kubernetes.cluster import Cluster
from tests.chaos.kubernetes.nodes import Nodes
from tests.chaos.kubernetes.view import Pod
from tests.chaos.replicas import service_of

from devstack.health import healthy
from kubernetes.kubectl import Failed

# Above the longest grace period (60 s).
_GRACE = 80.0
_DRAIN = 170.0
_PAUSE = 0.5

type Undo = Callable[[], Awaitable[None]]


class KubernetesControl:
    """Names are those of nodes or stable names of pods: `api-1` is the oldest pod of the api that is there now.

    A pod that is killed or deleted is replaced at once by its controller: it has no `start`. What was paused or cut is
    kept, since its name may be another pod's when it ends.
    """

    def __init__(self, cluster: Cluster, database: Database, way_in: str, nodes: Nodes | None) -> None:
        """`way_in`: an address behind the gateway's Service that has to answer before a gateway counts as healthy."""
        self._cluster = cluster
        self._database = database
        self._way_in = way_in
        self._reached = nodes
        self._undo: dict[str, Undo] = {}
        # Pods that answered since the last fault, by uid and container.
        self._proved: set[tuple[str, str]] = set()

    @property
    def _nodes(self) -> Nodes:
        if self._reached is None:
            raise Failed("nodes cannot be reached: set K8S_NODES=docker")
        return self._reached

    def _is_node(self, name: str) -> bool:
        return self._reached is not None and name in self._reached.names

    async def _pod(self, name: str) -> Pod:
        self._changed()
        pod = (await self._cluster.view()).pod(name)
        if pod is None:
            raise Failed(f"there is no pod for {name} now")
        return pod

    def _changed(self) -> None:
        self._cluster.changed()
        self._proved.clear()

    async def kill(self, service: str) -> None:
        if self._is_node(service):
            self._undo[service] = lambda: self._nodes.start(service)
            await self._nodes.kill(service)
        else:
            pod = await self._pod(service)
            await self._cluster.run("delete", "pod", pod.name, "--grace-period=0", "--force")

    async def terminate(self, service: str) -> None:
        pod = await self._pod(service)
        await self._cluster.run("delete", "pod", pod.name, f"--timeout={_GRACE:.0f}s", within=_GRACE + 5)

    async def start(self, service: str) -> None:
        await self._end(service)

    async def kill_worker(self, service: str) -> None:
        pod = await self._pod(service)
        await self._nodes.kill_container(pod.node, pod.container)

    async def pause(self, service: str) -> None:
        if self._is_node(service):
            self._undo[service] = lambda: self._nodes.resume(service)
            await self._nodes.pause(service)
        else:
            pod = await self._pod(service)
            self._undo[service] = lambda: self._nodes.thaw_container(pod.node, pod.container)
            await self._nodes.freeze_container(pod.node, pod.container)

    async def resume(self, service: str) -> None:
        await self._end(service)

    async def cut(self, service: str) -> str:
        """Off every network; a node goes with all of its pods."""
        if self._is_node(service):
            self._undo[service] = lambda: self._nodes.mend(service)
            await self._nodes.cut(service)
        else:
            pod = await self._pod(service)
            self._undo[service] = lambda: self._nodes.mend_pod(pod.node, pod.uid)
            await self._nodes.cut_pod(pod.node, pod.uid)
        return "everything"

    async def mend(self, service: str) -> None:
        await self._end(service)

    async def drain(self, node: str) -> None:
        """Returns when all of its pods are elsewhere."""
        self._undo[node] = lambda: self._uncordon(node)
        options = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={_DRAIN:.0f}s")
        await self._cluster.run("drain", node, *options, within=_DRAIN + 10)

    async def _uncordon(self, node: str) -> None:
        await self._cluster.run("uncordon", node)

    async def _end(self, name: str) -> None:
        undo = self._undo.pop(name, None)
        if undo is not None:
            await undo()
        self._changed()

    async def resume_all(self) -> None:
        for name in list(self._undo):
            await self._end(name)

    async def inside(self, name: str) -> list[str]:
        self._changed()
        return (await self._cluster.view()).on(name) if self._is_node(name) else [service_of(name)]

    async def healthy(self, service: str) -> bool:
        """What the API server says and, since a dead node's pods are ready to it for 20 s, what the pod says now."""
        try:
            view = await self._cluster.view()
            if self._is_node(service):
                return view.nodes.get(service, False)
            pod = view.pod(service)
            if pod is None or not pod.ready or not await self._answers(pod):
                return False
        except Failed:
            # It is asked again at once, and each answer of kubectl takes processor time from what is tested.
            await asyncio.sleep(_PAUSE)
            return False
        if service == POSTGRES:
            return await self._database.healthy()
        return pod.service != "gateway" or await healthy(self._way_in)

    async def _answers(self, pod: Pod) -> bool:
        proof = (pod.uid, pod.container)
        if proof not in self._proved:
            await self._cluster.run("exec", pod.name, "--", *pod.check, within=10)
            self._proved.add(proof)
        return True

    async def reading(self, service: str) -> Reading:
        pod = await self._pod(service)
        return reading_of(await self._cluster.run("exec", pod.name, "--", "sh", "-c", HOLDS))
