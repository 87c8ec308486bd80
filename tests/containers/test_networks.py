"""Who can reach whom."""

import json

import pytest
from tests.containers.engine import Container, compose, docker, of


def reaches(container: Container, address: str, port: int) -> bool:
    """Whether a TCP connection from inside `container` succeeds within 2 s."""
    return container.run("timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}").returncode == 0


def test_the_gateway_reaches_the_services() -> None:
    """The control of the tests below: the way of asking works."""
    (gateway,) = of("gateway")
    for service, port in (("api", 8000), ("realtime", 8001)):
        for container in of(service):
            assert reaches(gateway, container.address("back"), port)


@pytest.mark.parametrize(("service", "port"), [("postgres", 5432), ("valkey", 6379)])
def test_the_gateway_reaches_no_data(service: str, port: int) -> None:
    """Neither by name nor by address; the api does, so something listens there."""
    (gateway,), api, (data,) = of("gateway"), of("api")[0], of(service)
    address = data.address("data")
    assert reaches(api, address, port)
    assert not reaches(gateway, address, port)
    assert gateway.run("getent", "hosts", service).returncode != 0
    assert api.run("getent", "hosts", service).returncode == 0


def test_only_the_gateway_is_published() -> None:
    """As deployed; the suites add addresses on the loopback interface by compose.test.yaml."""
    services = json.loads(compose("-f", "compose.yaml", "config", "--format", "json"))["services"]
    assert [name for name, service in services.items() if service.get("ports")] == ["gateway"]
    assert [name for name, service in services.items() if "front" in (service.get("networks") or {})] == ["gateway"]


def test_networks_of_data_and_services_have_no_way_out() -> None:
    """A program that was taken over can call nobody."""
    names = docker("network", "ls", "--format", "{{.Name}}").stdout.split()
    project = of("gateway")[0].facts["Config"]["Labels"]["com.docker.compose.project"]
    for network in ("back", "data"):
        assert f"{project}_{network}" in names
        assert json.loads(docker("network", "inspect", f"{project}_{network}").stdout)[0]["Internal"]
