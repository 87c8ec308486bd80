"""What must agree across files: copies, numbers that are computed, and what production must not have."""

import math

import pytest
import yaml
from tests.manifests.sets import K8S, ROOT, SETS, Object, containers, named, of_kind, pods, template

# DATABASE_POOL_MAX (8), SYNC_THREADS (8), and one that looks every 5 s whether the database is there.
CONNECTIONS = 17
# From the start of a pod to its first ready answer, at the least.
START_SECONDS = 2


def most_pods(name: str, service: str) -> int:
    """How many pods of a Deployment can exist at once: the most replicas, the surge, and those that drain."""
    deployment = named(name, "Deployment", service)
    spec = deployment["spec"]
    scaled = [one["spec"] for one in of_kind(name, "HorizontalPodAutoscaler")]
    maximum = next(
        (one["maxReplicas"] for one in scaled if one["scaleTargetRef"]["name"] == service), spec.get("replicas", 1)
    )
    pod = template(deployment)["spec"]
    (container,) = pod["containers"]
    drain = {one["name"]: one.get("value") for one in container["env"]}["DRAIN_SECONDS"]
    ends_after = container["lifecycle"]["preStop"]["sleep"]["seconds"] + float(drain)
    draining = math.ceil(ends_after / (spec["minReadySeconds"] + START_SECONDS))
    return int(maximum + spec["strategy"]["rollingUpdate"]["maxSurge"] + draining)


@pytest.mark.parametrize("name", [name for name in SETS if of_kind(name, "StatefulSet")])
def test_postgres_has_a_connection_for_every_process_that_can_exist(name: str) -> None:
    (container,) = template(named(name, "StatefulSet", "postgres"))["spec"]["containers"]
    (allowed,) = [int(one.split("=")[1]) for one in container["args"] if one.startswith("-cmax_connections=")]
    # Each Job has two: its own work and, for migrate and daily, the lock.
    jobs = 2 * len(of_kind(name, "Job", "CronJob"))
    assert allowed >= CONNECTIONS * sum(most_pods(name, service) for service in ("api", "realtime")) + jobs + 10


def megabytes(quantity: str) -> float:
    factor = {"Mi": 1.0, "Gi": 1024.0}[quantity[-2:]]
    return float(quantity[:-2]) * factor


def cores(quantity: str) -> float:
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def all_pods(name: str) -> list[tuple[int, Object]]:
    """How many of each pod there can be, with its container."""
    found = []
    for one in of_kind(name, "Deployment", "StatefulSet", "Job", "CronJob"):
        service = one["metadata"]["name"]
        count = most_pods(name, service) if service in {"api", "realtime"} else one["spec"].get("replicas", 1) + 1
        found += [(count, container) for container in containers(template(one))]
    return found


@pytest.mark.parametrize("name", [name for name in SETS if of_kind(name, "ResourceQuota")])
def test_the_quota_has_room_for_the_most_pods_of_a_roll(name: str) -> None:
    (quota,) = [one["spec"]["hard"] for one in of_kind(name, "ResourceQuota")]
    every = all_pods(name)
    assert sum(count for count, _ in every) <= int(quota["pods"])
    memory = sum(count * megabytes(one["resources"]["limits"]["memory"]) for count, one in every)
    assert memory <= megabytes(quota["limits.memory"])
    assert memory <= megabytes(quota["requests.memory"])
    assert sum(count * cores(one["resources"]["requests"]["cpu"]) for count, one in every) <= cores(
        quota["requests.cpu"]
    )
    storage = sum(count * megabytes(one["resources"]["limits"]["ephemeral-storage"]) for count, one in every)
    assert storage <= megabytes(quota["limits.ephemeral-storage"])


def test_the_local_stack_leaves_room_on_four_cores() -> None:
    """Two pods of each service, the databases, and the surge of all three services at once."""
    requests = 0.0
    for one in of_kind("local", "Deployment", "StatefulSet", "Job", "CronJob"):
        surge = 1 if one["spec"].get("replicas", 1) > 1 else 0
        for container in containers(template(one)):
            requests += cores(container["resources"]["requests"]["cpu"]) * (one["spec"].get("replicas", 1) + surge)
    assert requests < 2


@pytest.mark.parametrize(
    ("copy", "original"),
    [
        ("components/postgres/10-millrace.sh", "deploy/postgres/init/10-millrace.sh"),
        ("components/monitoring/rules.yml", "deploy/observability/rules.yml"),
    ],
)
def test_copies_are_equal_to_their_originals(copy: str, original: str) -> None:
    assert (K8S / copy).read_bytes() == (ROOT / original).read_bytes(), f"cp {original} k8s/{copy}"


def test_prometheus_is_configured_as_in_compose_but_for_names() -> None:
    """Another Service name for each job: that of every pod, ready or not."""
    there = yaml.safe_load((ROOT / "deploy" / "observability" / "prometheus.yml").read_text())
    here = yaml.safe_load((K8S / "components" / "monitoring" / "prometheus.yml").read_text())
    for job in here["scrape_configs"]:
        for found in job.get("dns_sd_configs", []):
            found["names"] = [name.removesuffix("-metrics") for name in found["names"]]
    assert here == there


def test_the_databases_are_those_of_compose() -> None:
    """The same images with the same arguments, but for the number of connections."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for workload, pod in pods("local"):
        kind, service = workload.split("/")
        if service not in {"postgres", "valkey"}:
            continue
        (container,) = containers(pod)
        image = container["image"].removeprefix("docker.io/").removeprefix("library/")
        assert image == compose[service]["image"], kind
        command = compose[service]["command"]
        words = command.split() if isinstance(command, str) else command
        ours = " ".join(container["args"]).replace("-c", "-c ").split()
        theirs = " ".join(words).split()
        assert [one for one in ours if "max_connections" not in one] == [
            one for one in theirs if "max_connections" not in one
        ]


def test_production_has_nothing_of_the_demo() -> None:
    settings = next(one for one in of_kind("production", "ConfigMap") if one["metadata"]["name"].startswith("settings"))
    assert settings["data"]["DEMO"] == "0"
    assert settings["data"]["ALLOW_GUESTS"] == "0"
    assert settings["data"]["ROOMS_ON_DEMAND"] == "0"
    assert settings["data"]["HTTPS_ONLY"] == "1"
    assert "mock-upstream" not in settings["data"]["UPSTREAM_URL"]
    names = {one["metadata"]["name"] for one in of_kind("production", "Deployment", "StatefulSet", "Job")}
    assert names == {"api", "realtime", "gateway", "migrate-1-0-0"}
    for one in of_kind("production", "Service"):
        assert one["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_autoscaling_asks_for_half_a_core_whatever_is_requested() -> None:
    for service, window in (("api", 30), ("realtime", 60)):
        spec = named("local-autoscaling", "HorizontalPodAutoscaler", service)["spec"]
        (metric,) = spec["metrics"]
        assert metric["containerResource"]["target"] == {"type": "AverageValue", "averageValue": "500m"}
        assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == window
        assert "replicas" not in named("local-autoscaling", "Deployment", service)["spec"]


@pytest.mark.parametrize("name", ["local-tls", "production-tls"])
def test_tls_publishes_no_plain_port(name: str) -> None:
    (port,) = named(name, "Service", "gateway")["spec"]["ports"]
    assert (port["name"], port["port"], port["targetPort"]) == ("https", 443, "https")
    (container,) = template(named(name, "Deployment", "gateway"))["spec"]["containers"]
    assert [one["name"] for one in container["ports"]] == ["https", "health"]


def test_the_pods_network_is_excepted_where_testing_opens_ports() -> None:
    for policy in of_kind("local-testing", "NetworkPolicy"):
        if policy["metadata"]["name"].endswith("-testing"):
            (rule,) = policy["spec"]["ingress"]
            assert rule["from"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}}]


def test_kind_publishes_the_ports_that_the_manifests_open() -> None:
    (document,) = yaml.safe_load_all((K8S / "kind.yaml").read_text())
    mapped = {
        (one["containerPort"], one["hostPort"])
        for node in document["nodes"]
        for one in node.get("extraPortMappings", [])
    }
    assert mapped == {(30080, 8080), (30443, 8443), (30802, 8002), (30800, 8100), (30432, 15432)}
    opened = {
        port["nodePort"]
        for one in of_kind("local-testing", "Service")
        for port in one["spec"]["ports"]
        if "nodePort" in port
    }
    assert {number for number, _ in mapped} - {30443} <= opened


@pytest.mark.parametrize("component", sorted(folder.name for folder in (K8S / "components").iterdir()))
def test_each_component_has_a_readme_of_one_screen(component: str) -> None:
    text = (K8S / "components" / component / "README.md").read_text()
    for heading in ("## Adds", "## Needs", "## How to see that it works"):
        assert heading in text
    assert len(text.splitlines()) <= 50
