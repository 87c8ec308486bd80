"""What a program that was taken over could do in its container: as little as possible."""

import pytest
from tests.containers.engine import OPTIONAL, SERVICES, containers, of

UNPRIVILEGED = "0000000000000000"
JOBS = ("secrets", "migrate", "demo-seed")
ALL = (*SERVICES, *OPTIONAL)


def test_every_service_and_job_is_looked_at() -> None:
    """The other tests here go over these, so a new service cannot be forgotten."""
    assert {container.service for container in containers(all_=True)} == {*ALL, *JOBS}


@pytest.mark.parametrize("service", ALL)
def test_processes_are_not_root_and_have_no_capability(service: str) -> None:
    """Of every process that runs, not only of the first: the kernel's own account of it."""
    for container in of(service):
        shown = container.run("sh", "-c", "cat /proc/[0-9]*/status").stdout
        lines = [line.split() for line in shown.splitlines()]
        users = {name for line in lines if line[0] == "Uid:" for name in line[1:]}
        assert users
        assert "0" not in users, f"{container.name} runs as root"
        assert {line[1] for line in lines if line[0] in {"CapEff:", "CapPrm:", "CapBnd:"}} == {UNPRIVILEGED}
        assert {line[1] for line in lines if line[0] == "NoNewPrivs:"} >= {"1"}


def test_no_container_is_given_more_than_it_needs() -> None:
    """Jobs included: no root, no capability, no new privileges, no writable root, nothing of the host's."""
    for container in containers(all_=True):
        host = container.host
        assert container.facts["Config"]["User"].split(":")[0] not in {"", "0", "root"}, container.name
        assert host["ReadonlyRootfs"], container.name
        assert host["CapDrop"] == ["ALL"], container.name
        assert not host["CapAdd"], container.name
        assert "no-new-privileges:true" in host["SecurityOpt"], container.name
        assert not host["Privileged"], container.name
        assert host["NetworkMode"] != "host", container.name
        assert host["PidMode"] != "host", container.name
        assert not any("docker.sock" in mount["Source"] for mount in container.facts["Mounts"]), container.name


@pytest.mark.parametrize("service", ALL)
def test_the_root_file_system_cannot_be_written(service: str) -> None:
    """Not even by root inside, and `/tmp` can, which is memory."""
    for container in of(service):
        refused = container.run("touch", "/written", user="0")
        assert refused.returncode != 0
        assert "Read-only" in refused.stderr
        assert container.run("sh", "-c", "echo 1 > /tmp/written && rm /tmp/written").returncode == 0


def test_every_container_has_limits() -> None:
    """Memory, CPU, processes and log files: none can starve the others or fill the disk."""
    for container in containers(all_=True):
        host = container.host
        assert host["Memory"] > 0, container.name
        assert host["NanoCpus"] > 0, container.name
        assert host["PidsLimit"] > 0, container.name
        assert host["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}, container.name
        assert host["Init"], container.name
