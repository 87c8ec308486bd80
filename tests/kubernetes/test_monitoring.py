"""The component `monitoring`: Prometheus sees every pod, and its rules ask for labels that pods have here."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.kubernetes.cluster import eventually, kubectl, pods
from tests.kubernetes.stack import COMPONENTS, succeed

PORTS = {"api": 8000, "realtime": 8001}
_PROXY = "/api/v1/namespaces/millrace/services/prometheus:9090/proxy/api/v1"


@pytest.fixture(scope="module", autouse=True)
def prometheus() -> Iterator[None]:
    """With it, and afterwards without."""
    succeed("up", K8S_COMPONENTS=f"{COMPONENTS} monitoring")
    yield
    succeed("up")


def asked(path: str, **query: str) -> Any:
    """The data of an answer of Prometheus' API, through the API server."""
    answer = json.loads(kubectl("get", "--raw", f"{_PROXY}/{path}?{urlencode(query)}"))
    assert answer["status"] == "success"
    return answer["data"]


def up() -> set[str]:
    targets = asked("targets", state="active")["activeTargets"]
    return {one["labels"]["instance"] for one in targets if one["health"] == "up"}


@pytest.mark.row("monitoring: every pod is scraped")
@pytest.mark.timeout(300)
def test_every_pod_is_scraped() -> None:
    """By their own addresses, ready or not."""
    wanted = {f"{pod.address}:{port}" for service, port in PORTS.items() for pod in pods(service)}
    assert len(wanted) == 4
    eventually(lambda: up() == wanted | {"localhost:9090"}, f"{wanted} are up")


def rules() -> list[dict[str, Any]]:
    found = [rule for group in asked("rules")["groups"] for rule in group["rules"]]
    return [] if any(rule["health"] == "unknown" for rule in found) else found


def labelled(query: str) -> set[tuple[str, str, str]]:
    """(metric, label, value) for each positive condition of a query."""
    found = set()
    for metric, conditions in re.findall(r"\b([a-z_:0-9]+)\{([^}]*)\}", query):
        for label, operator, value in re.findall(r"(\w+)(=~|=)\"([^\"]*)\"", conditions):
            found |= {(metric, label, one) for one in (value.split("|") if operator == "=~" else [value])}
    return found


@pytest.mark.row("monitoring: the rules match the labels of pods")
@pytest.mark.timeout(300)
def test_rules_match_labels() -> None:
    """Every rule is evaluated without an error, and every job that one names has series."""
    loaded = eventually(rules, "the rules are evaluated")
    assert len(loaded) > 5
    assert [rule["name"] for rule in loaded if rule["health"] != "ok"] == []
    wanted = {each for rule in loaded for each in labelled(rule["query"]) if each[1] == "job"}
    assert {value for _, _, value in wanted} == {"api", "realtime"}
    for metric, label, value in sorted(wanted):
        query = f'{metric}{{{label}="{value}"}}'
        eventually(lambda query=query: asked("query", query=query)["result"], f"{query} has series")  # type: ignore[misc]


@pytest.mark.row("monitoring: an alert comes when a service is gone")
@pytest.mark.timeout(400)
def test_an_alert_comes() -> None:
    """`NoReplica` for realtime, and for nothing else, and it goes again."""
    kubectl("scale", "deployment/realtime", "--replicas=0")
    try:
        firing = eventually(alerts, "an alert fires", 180)
    finally:
        kubectl("scale", "deployment/realtime", "--replicas=2")
    assert ("NoReplica", "realtime") in firing
    assert ("NoReplica", "api") not in firing
    eventually(lambda: ("NoReplica", "realtime") not in alerts(), "it is over", 180)


def alerts() -> set[tuple[str, str]]:
    found = asked("alerts")["alerts"]
    return {(one["labels"]["alertname"], one["labels"].get("job", "")) for one in found if one["state"] == "firing"}
