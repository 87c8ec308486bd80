"""The engine's command line, which is what an operator has too. COMPOSE_PROJECT_NAME names the project."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DEADLINE = 60.0
DOCKER = shutil.which("docker") or "docker"
SERVICES = ("gateway", "api", "realtime", "mock-upstream", "postgres", "valkey", "daily")
# Of the profiles, which `make containers` starts too.
OPTIONAL = ("gateway-tls", "prometheus")


def docker(*arguments: str, check: bool = True, within: float = DEADLINE) -> subprocess.CompletedProcess[str]:
    """Run `docker` in so many seconds at most; a failure shows what it said."""
    command = [DOCKER, *arguments]
    # Whatever a client sent is in the logs.
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=within, check=False)
    if check and ran.returncode:
        raise AssertionError(f"docker {' '.join(arguments)} failed with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran


def compose(*arguments: str, within: float = DEADLINE) -> str:
    """What `docker compose` prints."""
    return docker("compose", *arguments, within=within).stdout


@dataclass(frozen=True, slots=True)
class Container:
    """One container, as `docker inspect` shows it."""

    service: str
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.facts["Name"]).lstrip("/")

    @property
    def host(self) -> dict[str, Any]:
        host: dict[str, Any] = self.facts["HostConfig"]
        return host

    def address(self, network: str) -> str:
        """On the network that the Compose file calls `network`."""
        for name, facts in self.facts["NetworkSettings"]["Networks"].items():
            if name.endswith(f"_{network}"):
                return str(facts["IPAddress"])
        raise LookupError(f"{self.name} is not on {network}")

    @property
    def id(self) -> str:
        return str(self.facts["Id"])

    @property
    def number(self) -> int:
        """Its place among the replicas, which grows for ever."""
        return int(self.facts["Config"]["Labels"]["com.docker.compose.container-number"])

    def refreshed(self) -> "Container":
        """As it is now."""
        (facts,) = json.loads(docker("inspect", self.id).stdout)
        return Container(self.service, facts)

    def run(self, *command: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `command` in it, as its own user unless another is named."""
        return docker("exec", *(("-u", user) if user else ()), self.name, *command, check=False)


def containers(*, all_: bool = False) -> list[Container]:
    """Those that run, or all: also the jobs that are done."""
    names = compose("ps", *(["-a"] if all_ else []), "--format", "{{.Name}}").split()
    facts: list[dict[str, Any]] = json.loads(docker("inspect", *names).stdout) if names else []
    return [Container(one["Config"]["Labels"]["com.docker.compose.service"], one) for one in facts]


def of(service: str) -> list[Container]:
    """The running containers of a service."""
    return [container for container in containers() if container.service == service]


def eventually[T](ask: Callable[[], T], *, said: str, within: float = DEADLINE) -> T:
    """The first true answer, at most `within` seconds from now."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {said}")
    return answer


def sql(statements: str) -> str:
    """What psql prints for these statements, as the owner of the database."""
    (postgres,) = of("postgres")
    command = [DOCKER, "exec", "-i", postgres.name, "psql", "-U", "postgres", "-d", "millrace", "-qtA"]
    ran = subprocess.run(
        [*command, "-v", "ON_ERROR_STOP=1"],
        input=statements,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def gateway_log(wanted: str) -> list[dict[str, Any]]:
    """The gateway's log lines about the path `wanted`."""
    (gateway,) = of("gateway")
    # Not `splitlines`: a path may hold what that takes for the end of a line.
    lines = docker("logs", gateway.name).stdout.split("\n")
    return [parsed for line in lines if line.startswith("{") and (parsed := json.loads(line))["path"] == wanted]
