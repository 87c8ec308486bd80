"""The profile `observability`: what Prometheus sees, and whether its rules and the dashboard ask for what there is."""

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.containers.conftest import REALTIME_URL
from tests.containers.engine import eventually, of
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
PROMETHEUS = httpx.Client(base_url=f"http://127.0.0.1:{os.environ.get('PROMETHEUS_PORT', '9090')}", timeout=10)
OPERATIONS = ROOT / "docs" / "operations.md"


def asked(path: str, **query: str) -> Any:
    """The data of an answer of Prometheus' API."""
    answer = PROMETHEUS.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in asked("rules")["groups"] for rule in group["rules"]]


def dashboard() -> list[str]:
    """Every query of the dashboard."""
    panels = json.loads((ROOT / "deploy" / "observability" / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def names(query: str) -> set[str]:
    """Metrics that a query names."""
    return set(re.findall(r"\b(?:job_route:)?(?:millrace|process|up)(?:_\w+|\b)(?::p99)?", query)) - {"up"}


def test_every_replica_is_scraped() -> None:
    """All of them, by their own addresses, and all answer."""
    wanted = {f"{one.address('back')}:{port}" for name, port in (("api", 8000), ("realtime", 8001)) for one in of(name)}

    def up() -> set[str]:
        targets = asked("targets", state="active")["activeTargets"]
        return {one["labels"]["instance"] for one in targets if one["health"] == "up"}

    eventually(lambda: up() == wanted | {"localhost:9090"}, said=f"{wanted} are up")


@pytest.mark.timeout(90)
@pytest.mark.parametrize("command", [("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")])
def test_configuration_and_rules_pass_promtool(command: tuple[str, ...]) -> None:
    """The files are well-formed, and each alert comes when it should and not before."""
    *words, file = command
    ran = of("prometheus")[0].run("promtool", *words, f"/etc/prometheus/{file}")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_rules_are_loaded_and_evaluated() -> None:
    """Without an error, each of them."""
    loaded = eventually(
        lambda: [] if any(rule["health"] == "unknown" for rule in rules()) else rules(), said="rules are evaluated"
    )
    assert len(loaded) > 5
    assert [rule["name"] for rule in loaded if rule["health"] != "ok"] == []


@pytest.mark.timeout(120)
def test_rules_and_dashboard_ask_for_what_there_is() -> None:
    """Every metric that a query names exists; a mistyped name would be an alert that never comes."""
    # A counter is there once it has counted, and no test before need have been shown a door.
    with connect(f"{REALTIME_URL}/ws/chat/no-such-room/") as socket, pytest.raises(ConnectionClosed, match="4004"):
        list(socket)
    wanted = set().union(*map(names, [*dashboard(), *(rule["query"] for rule in rules())]))
    assert len(wanted) > 10

    def missing() -> set[str]:
        return wanted - set(asked("label/__name__/values"))

    with contextlib.suppress(AssertionError):
        eventually(lambda: not missing(), said="all exist")
    assert missing() == set()
    for query in dashboard():
        asked("query", query=query)


def test_every_alert_is_explained() -> None:
    """The operators' page has a row for each, and for none that does not exist."""
    alerts = {rule["name"] for rule in rules() if rule["type"] == "alerting"}
    assert set(re.findall(r"^\| `([A-Z][a-z]\w+)` \|", OPERATIONS.read_text(), re.MULTILINE)) == alerts
