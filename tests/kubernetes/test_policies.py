"""Who may connect to whom, seen from inside the pods, with a control for each refusal."""

from collections.abc import Iterator

import pytest
from tests.kubernetes.cluster import Pod, kubectl, pods
from tests.kubernetes.pods import free_namespace, python_pod

from kubernetes.kubectl import Kubectl

_WAIT = 3
_CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
API_SERVER = ("kubernetes.default.svc", 443)
KUBELET = 10250

type Place = tuple[str, int]


@pytest.fixture(scope="module")
def outsider() -> Iterator[str]:
    """A pod in a namespace without policies."""
    with free_namespace() as name:
        python_pod(name)
        yield name


def connects(pod: str, place: Place, kube: Kubectl = kubectl) -> bool:
    """Whether a pod can open a connection. The gateway has no Python, but bash."""
    host, port = place
    if pod.startswith("gateway-"):
        command = ["timeout", str(_WAIT), "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"]
    else:
        command = ["python", "-c", _CONNECT, host, str(port)]
    return kube.run("exec", pod, "--", *command, within=30).returncode == 0


def refused(pod: str, place: Place, kube: Kubectl = kubectl) -> None:
    """Fails if the connection opens."""
    if connects(pod, place, kube):
        pytest.fail(f"NetworkPolicies are not enforced: {pod} reached {place[0]}:{place[1]}")


def address(service: str, port: int) -> Place:
    """Of a pod, so that a name that is not resolved is no refusal."""
    return pods(service)[0].address, port


def one(service: str) -> Pod:
    return pods(service)[0]


@pytest.mark.ci
@pytest.mark.row("policy: gateway to {service} refused, api to {service} allowed")
@pytest.mark.parametrize(("service", "port"), [("postgres", 5432), ("valkey", 6379)])
def test_only_services_reach_the_databases(service: str, port: int) -> None:
    """The same address from both."""
    place = address(service, port)
    assert connects(one("api").name, place)
    refused(one("gateway").name, place)


@pytest.mark.ci
@pytest.mark.row("policy: mock-upstream to api refused, gateway to api allowed")
def test_only_the_gateway_reaches_the_api() -> None:
    """And what the console needs: the api itself."""
    place = address("api", 8000)
    assert connects(one("gateway").name, place)
    refused(one("mock-upstream").name, place)


@pytest.mark.ci
@pytest.mark.row("policy: another namespace to api refused, to the gateway allowed")
@pytest.mark.timeout(120)
def test_another_namespace(outsider: str) -> None:
    """The gateway is there for all."""
    kube = Kubectl(namespace=outsider)
    assert connects("outsider", address("gateway", 8080), kube)
    refused("outsider", address("api", 8000), kube)
    refused("outsider", address("realtime", 8001), kube)
    refused("outsider", address("postgres", 5432), kube)


@pytest.mark.ci
@pytest.mark.row("policy: api to {what} refused, a free namespace allowed")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("what", ["the API server", "the outside"])
def test_the_way_out(what: str, outsider: str) -> None:
    """The outside is a port of a node here: this cluster's pods have no way to anything farther away."""
    place = api_server() if what == "the API server" else outside()
    assert connects("outsider", place, Kubectl(namespace=outsider))
    refused(one("api").name, place)


def api_server() -> Place:
    return kubectl("get", "service", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}"), 443


def outside() -> Place:
    """The kubelet of another node than the api's pod is on: its own one is let in by any network plugin."""
    node = next(node for node in kubectl.items("nodes") if node["metadata"]["name"] != one("api").node)
    return next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"), KUBELET


@pytest.mark.ci
@pytest.mark.row("policies that are not enforced are said")
@pytest.mark.timeout(120)
def test_not_enforced_is_said(outsider: str) -> None:
    """The check can fail: in a namespace without policies it does, with these words."""
    with pytest.raises(pytest.fail.Exception, match="NetworkPolicies are not enforced"):
        refused("outsider", api_server(), Kubectl(namespace=outsider))
