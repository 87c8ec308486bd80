"""Who can reach whom, and from which addresses networks are."""

import json
from ipaddress import ip_network

import pytest
from tests.containers.engine import Container, compose, docker, of

# Where the engine takes a network from that asks for none in particular, unless it is configured otherwise:
# https://docs.docker.com/engine/network/#subnet-allocation
POOLS = (*(f"172.{second}.0.0/16" for second in range(17, 32)), "192.168.0.0/16")


def reaches(container: Container, address: str, port: int) -> bool:
    """Whether a TCP connection from inside `container` succeeds within 2 s."""
    return container.run("timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}").returncode == 0


def test_the_gateway_reaches_the_services() -> None:
    """The control of the tests below: the way of asking works."""
    (gateway,) = of("gateway")
    for service, port in (("api", 8000), ("realtime", 8001)):
        for container in of(service):
            assert reaches(gateway, container.address("back"), port)


@pytest.mark.parametrize("outsider", ["gateway", "gateway-tls", "mock-upstream", "prometheus"])
@pytest.mark.parametrize(("service", "port"), [("postgres", 5432), ("valkey", 6379)])
def test_who_needs_no_data_reaches_none(service: str, port: int, outsider: str) -> None:
    """Neither by name nor by address; the api does, so something listens there."""
    (other,), api, (data,) = of(outsider), of("api")[0], of(service)
    address = data.address("data")
    assert reaches(api, address, port)
    assert not reaches(other, address, port)
    assert api.run("getent", "hosts", service).returncode == 0
    assert other.run("getent", "hosts", service).returncode != 0


def published() -> dict[str, set[str]]:
    """Of each service that has a way in from outside: the host's addresses."""
    services = json.loads(compose("-f", "compose.yaml", "config", "--format", "json"))["services"]
    return {
        name: {port["host_ip"] for port in service["ports"]} for name, service in services.items() if "ports" in service
    }


def test_only_the_gateway_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """As deployed; profiles add theirs, and the suites' compose.test.yaml addresses on the loopback interface."""
    monkeypatch.setenv("COMPOSE_PROFILES", "")
    assert published() == {"gateway": {"127.0.0.1"}}
    monkeypatch.setenv("COMPOSE_PROFILES", "tls,observability")
    assert published() == {name: {"127.0.0.1"} for name in ("gateway", "gateway-tls", "prometheus")}


def test_networks_of_data_and_services_have_no_way_out() -> None:
    """A program that was taken over can call nobody."""
    names = docker("network", "ls", "--format", "{{.Name}}").stdout.split()
    project = of("gateway")[0].facts["Config"]["Labels"]["com.docker.compose.project"]
    for network in ("back", "data"):
        assert f"{project}_{network}" in names
        assert json.loads(docker("network", "inspect", f"{project}_{network}").stdout)[0]["Internal"]


def test_the_fixed_network_collides_with_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine goes round its pools: after a dozen networks it would give another one what `back` asks for."""
    for name in ("BACK_SUBNET", "BACK_RANGE", "GATEWAY_ADDRESS", "GATEWAY_TLS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    facts = json.loads(compose("-f", "compose.yaml", "config", "--format", "json"))
    fixed = ip_network(facts["networks"]["back"]["ipam"]["config"][0]["subnet"])
    assert [pool for pool in POOLS if fixed.overlaps(ip_network(pool))] == []
