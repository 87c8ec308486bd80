"""The network's policies: everything is denied, and each connection that is allowed is named at both ends."""

import pytest
from tests.manifests.sets import SETS, Object, of_kind, pods, selects

# Who may connect to whom, by `app.kubernetes.io/name`, and on which port.
PAIRS = {
    ("gateway", "api", 8000),
    ("gateway", "realtime", 8001),
    ("api", "api", 8000),
    ("api", "realtime", 8001),
    ("api", "postgres", 5432),
    ("realtime", "postgres", 5432),
    ("migrate", "postgres", 5432),
    ("demo-seed", "postgres", 5432),
    ("daily", "postgres", 5432),
    ("api", "valkey", 6379),
    ("realtime", "valkey", 6379),
    ("demo-seed", "valkey", 6379),
    ("api", "mock-upstream", 8002),
    ("prometheus", "api", 8000),
    ("prometheus", "realtime", 8001),
}
PORTS = {"api": 8000, "realtime": 8001, "mock-upstream": 8002, "postgres": 5432, "valkey": 6379}


def labels(name: str) -> dict[str, dict[str, str]]:
    """The labels of each pod of a set, by its name."""
    return {pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod["metadata"]["labels"] for _, pod in pods(name)}


def allowed(name: str, direction: str, pod: str, other: str, port: int) -> bool:
    """Whether a policy lets `pod` speak on this port with `other`: `Egress` to it, `Ingress` from it."""
    everyone = labels(name)
    key, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    for policy in of_kind(name, "NetworkPolicy"):
        spec = policy["spec"]
        if direction not in spec["policyTypes"] or not selects(spec["podSelector"], everyone[pod]):
            continue
        for rule in spec.get(key, []):
            if _names(rule, pod if direction == "Ingress" else other, port) and any(
                set(peer) == {"podSelector"} and selects(peer["podSelector"], everyone[other])
                for peer in rule.get(side, [])
            ):
                return True
    return False


def _names(rule: Object, server: str, port: int) -> bool:
    wanted = {port, "http" if server in {"api", "realtime", "mock-upstream"} else server}
    return any(one["port"] in wanted for one in rule["ports"])


@pytest.mark.parametrize("name", SETS)
def test_each_pair_is_named_at_both_ends_and_no_other_is(name: str) -> None:
    present = labels(name)
    for client in present:
        for server, port in PORTS.items():
            if server not in present:
                continue
            out = allowed(name, "Egress", client, server, port)
            into = allowed(name, "Ingress", server, client, port)
            assert (client, out, into) == (client, (client, server, port) in PAIRS, (client, server, port) in PAIRS), (
                server
            )


@pytest.mark.parametrize("name", SETS)
def test_everything_else_is_denied(name: str) -> None:
    """The first policy chooses every pod and allows nothing; no other rule is open in all directions."""
    (deny,) = [one["spec"] for one in of_kind(name, "NetworkPolicy") if one["metadata"]["name"] == "default-deny"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in of_kind(name, "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            assert rule.get("ports"), policy["metadata"]["name"]
            assert rule.get("to"), policy["metadata"]["name"]
        for rule in policy["spec"].get("ingress", []):
            assert rule.get("ports"), policy["metadata"]["name"]
            # Only the gateway is open to all clients.
            assert rule.get("from") or policy["metadata"]["name"] == "gateway"


@pytest.mark.parametrize("name", SETS)
def test_every_service_has_a_policy_that_lets_clients_in(name: str) -> None:
    for service in of_kind(name, "Service"):
        chosen = [
            policy
            for policy in of_kind(name, "NetworkPolicy")
            if policy["spec"].get("ingress") and selects(policy["spec"]["podSelector"], service["spec"]["selector"])
        ]
        assert chosen, service["metadata"]["name"]


@pytest.mark.parametrize("name", SETS)
def test_name_servers_of_the_usual_clusters_can_be_asked(name: str) -> None:
    (rules,) = [one["spec"]["egress"] for one in of_kind(name, "NetworkPolicy") if one["metadata"]["name"] == "names"]
    kube, openshift, addresses = rules
    assert kube["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
    assert openshift["to"][0]["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}}
    assert {one["port"] for one in openshift["ports"]} == {5353}
    blocks = [peer["ipBlock"]["cidr"] for peer in addresses["to"]]
    assert blocks[:2] == ["169.254.20.10/32", "169.254.169.254/32"]
    assert len(blocks) == 3
    # The last but one has the cloud's metadata, with credentials, on port 80.
    assert {one["port"] for one in addresses["ports"]} == {53}


@pytest.mark.parametrize("name", SETS)
def test_the_kubelet_reaches_the_gateways_health(name: str) -> None:
    (gateway,) = [one["spec"] for one in of_kind(name, "NetworkPolicy") if one["metadata"]["name"] == "gateway"]
    open_ports = {port["port"] for port in gateway["ingress"][0]["ports"]}
    assert open_ports == ({"https", "health"} if "tls" in name or name.endswith("-all") else {"http", "health"})


def test_production_names_the_ways_to_what_is_outside() -> None:
    rules = {
        one["metadata"]["name"]: one["spec"]["egress"]
        for one in of_kind("production", "NetworkPolicy")
        if one["metadata"]["name"].startswith("to-external-")
    }
    assert set(rules) == {"to-external-postgres", "to-external-redis", "to-external-upstream"}
    for (rule,) in rules.values():
        assert all(len(rule[key]) == 1 for key in ("ports", "to"))
        # Documentation addresses (RFC 5737), so that a forgotten one leads nowhere.
        assert rule["to"][0]["ipBlock"]["cidr"].startswith("192.0.2.")
