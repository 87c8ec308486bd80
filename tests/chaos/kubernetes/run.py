"""Faults of pods and nodes of a cluster that `make k8s-up K8S_COMPONENTS=testing` has filled, through its gateway."""

import os
from urllib.parse import urlsplit

from tests.chaos.database import Database
from tests.chaos.kubernetes.cluster import Cluster
from tests.chaos.kubernetes.control import KubernetesControl
from tests.chaos.kubernetes.faults import kubernetes_faults
from tests.chaos.kubernetes.nodes import reachable
from tests.chaos.kubernetes.rules import by_hits
from tests.chaos.options import Options
from tests.chaos.replicas import SERVICES, replicas_of
from tests.chaos.report import Outcome
from tests.chaos.through_gateway import USES_DATABASE, run_through_gateway, ways_in
from tests.chaos.world import Deployment

from devstack.output import Output
from kubernetes.kubectl import Failed
from kubernetes.target import Target

# Where k8s/kind.yaml and the test cluster publish PostgreSQL's NodePort.
_POSTGRES = "127.0.0.1:15432"
_PASSWORD = "/secrets/postgres/database-password"
# A WebSocket is pinged after 20 s of silence, and an event stream has a comment every 15 s. A client that hears nothing
# for longer has a connection to a dead node, and opens another one.
_SILENCE = 25.0
# A service keeps an idle connection for 75 s, and a gateway that died with its node does not close its own.
_QUIET = 120.0


async def run_kubernetes(options: Options, out: Output) -> Outcome:
    """Faults of each service's pods and, if `K8S_NODES` says how they are reached, of the nodes."""
    target = Target.from_environment()
    target.check()
    nodes = reachable([one["metadata"]["name"] for one in target.kubectl.items("nodes")])
    cluster = Cluster(target.kubectl, nodes=nodes is not None)
    pods = list((await cluster.view()).names())
    if missing := [service for service in SERVICES if not replicas_of(service, pods)]:
        raise Failed(f"no pod of {', '.join(missing)}: run `make k8s-up K8S_COMPONENTS=testing` first")
    if nodes is None:
        out.say("chaos: without K8S_NODES=docker nothing is done to nodes, and no pod crashes, is paused or cut off")
    database = Database(await _database_url(cluster))
    control = KubernetesControl(cluster, database, f"{target.url}{USES_DATABASE}", nodes)
    deployment = Deployment(
        control=control,
        database=database,
        ports=ways_in(urlsplit(target.url).port or 80),
        origin=target.url,
        services=[*pods, *(nodes.names if nodes else ())],
        silence=_SILENCE,
        quiet=_QUIET,
    )
    return await run_through_gateway(deployment, kubernetes_faults(control, pods, nodes), by_hits, options, out)


async def _database_url(cluster: Cluster) -> str:
    """Through the NodePort of the component `testing`; `K8S_POSTGRES` names another host and port."""
    password = await cluster.run("exec", "statefulset/postgres", "--", "cat", _PASSWORD)
    return f"postgresql://millrace:{password}@{os.environ.get('K8S_POSTGRES') or _POSTGRES}/millrace"
