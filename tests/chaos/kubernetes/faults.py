"""The faults of pods and nodes by name: `api-kill`, `postgres-cut`, `node-drain`."""

import asyncio
from collections.abc import Mapping, Sequence

from tests.chaos.kubernetes.control import KubernetesControl
from tests.chaos.kubernetes.nodes import Nodes
from tests.chaos.nemeses import Nemesis
from tests.chaos.replicas import Fault, crash, cut, kill, of_one, pause, replica_faults

# PostgreSQL's pod, deleted by force, is replaced while its processes may still run: two servers on one volume. The
# documentation of StatefulSets forbids it. `postgres-crash` and `node-kill` kill it without that danger.
_FORBIDDEN = "postgres-kill"
# A container that ended is started again at once, the next time after 10 s, then 20 s, and so on up to 5 minutes.
_ONCE = ("crash",)
NODE = "node"


async def _kill(control: KubernetesControl, name: str, seconds: float) -> str:
    """Its controller replaces it at once, under another name and address."""
    await control.kill(name)
    await asyncio.sleep(seconds)
    return f"kubectl delete --grace-period=0 --force of {name}"


async def _terminate(control: KubernetesControl, name: str, seconds: float) -> str:
    """The pod drains, and its replacement starts beside it."""
    await control.terminate(name)
    await asyncio.sleep(seconds)
    return f"kubectl delete of {name}"


async def _drain(control: KubernetesControl, name: str, seconds: float) -> str:
    """Every pod on the node moves, one of a service at a time."""
    try:
        await control.drain(name)
        await asyncio.sleep(seconds)
    finally:
        await control.start(name)
    return f"kubectl drain of {name}, and uncordon"


BY_KUBECTL: Mapping[str, Fault[KubernetesControl]] = {"kill": _kill, "terminate": _terminate}
ON_NODES: Mapping[str, Fault[KubernetesControl]] = {"crash": crash, "pause": pause, "cut": cut}
# Up to 16 s is shorter than the cluster takes to notice (20 s); what comes then is the scenario `node-lost`.
_NODE_SECONDS = {"kill": (8.0, 16.0), "pause": (4.0, 16.0), "cut": (4.0, 16.0), "drain": (1.0, 2.0)}
_LOST = (70.0, 70.0)


def kubernetes_faults(control: KubernetesControl, names: Sequence[str], nodes: Nodes | None) -> dict[str, Nemesis]:
    """`names` are those of the pods. Without a way to the nodes only what kubectl does by itself."""
    kinds = {**BY_KUBECTL, **(ON_NODES if nodes else {})}
    found = replica_faults(control, kinds, names, alone=_ONCE)
    del found[_FORBIDDEN]
    return found | _node_faults(control, nodes) if nodes else found


def _node_faults(control: KubernetesControl, nodes: Nodes) -> dict[str, Nemesis]:
    """Never in pairs, since together with another fault a node could take both replicas of a service."""
    expendable = nodes.expendable()
    wanted: dict[str, tuple[Fault[KubernetesControl], list[str]]] = {"drain": (_drain, nodes.names)}
    if expendable:
        wanted |= {"kill": (kill, expendable), "pause": (pause, expendable), "cut": (cut, expendable)}
    found = {
        f"{NODE}-{kind}": Nemesis(
            target=NODE,
            act=of_one(control, f"{NODE}-{kind}", act, names),
            seconds=_NODE_SECONDS[kind],
            paired=False,
        )
        for kind, (act, names) in wanted.items()
    }
    if expendable:
        act = of_one(control, f"{NODE}-lost", kill, expendable)
        found[f"{NODE}-lost"] = Nemesis(target=NODE, act=act, seconds=_LOST, scenario=True)
    return found
