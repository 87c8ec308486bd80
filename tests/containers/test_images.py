"""What is in the images, and what is not."""

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name as canonical
from tests.containers.engine import Container, docker, eventually, of

from packages import packages

ROOT = Path(__file__).parents[2]
FIRST_PARTY = set(packages())
OURS = ("api", "realtime", "mock-upstream")
# A stranger's first tools.
PROGRAMS = ("pip", "pip3", "uv", "gcc", "cc", "g++", "make", "ld", "git", "curl", "wget")
MODULES = ("pip", "ensurepip", "setuptools", "wheel", "uv", "pytest", "hypothesis", "mypy", "ruff")
# Over the base image, in bytes.
LARGEST = 200 * 10**6


def finds(container: Container, module: str) -> bool:
    question = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return container.run("python", "-c", question).returncode == 0


@pytest.mark.parametrize("service", OURS)
def test_no_compiler_no_installer_no_test_package(service: str) -> None:
    """Nothing to build or fetch with; what the service itself needs is found the same way."""
    container = of(service)[0]
    assert container.run("sh", "-c", "command -v python").returncode == 0
    assert [name for name in PROGRAMS if container.run("sh", "-c", f"command -v {name}").returncode == 0] == []
    assert finds(container, "uvloop" if service != "realtime" else "daphne")
    assert [name for name in MODULES if finds(container, name)] == []


@pytest.mark.parametrize("service", OURS)
def test_only_its_own_packages(service: str) -> None:
    """One service's code is in its image, as an installed package and not as a checkout."""
    container = of(service)[0]
    modules = {"api": "api", "realtime": "realtime", "mock-upstream": "mock_upstream"}
    assert {one: finds(container, module) for one, module in modules.items()} == {
        one: one == service for one in modules
    }
    assert container.run("sh", "-c", "ls -d /build /app/src /app/libs").stdout == ""


@pytest.mark.parametrize("service", OURS)
def test_code_is_compiled_before(service: str) -> None:
    """A read-only root can keep no bytecode, so each start would compile everything again."""
    package = "mock_upstream" if service == "mock-upstream" else "chassis"
    shown = of(service)[0].run("sh", "-c", f"ls /app/lib/python3*/site-packages/{package}/__pycache__")
    assert ".pyc" in shown.stdout


@pytest.mark.parametrize("service", OURS)
def test_images_are_small_and_labelled(service: str) -> None:
    """At most 200 MB over the base, and they say what they are."""
    (image,) = json.loads(docker("image", "inspect", f"millrace/{service}").stdout)
    (base,) = json.loads(docker("image", "inspect", "python:3.13-slim-trixie").stdout)
    assert image["Size"] - base["Size"] <= LARGEST
    assert image["Config"]["Labels"]["org.opencontainers.image.title"] == f"millrace-{service}"
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert image["Config"]["Entrypoint"] is None


@pytest.mark.timeout(150)
@pytest.mark.parametrize("server", ["daphne", "hypercorn"])
def test_the_api_under_its_other_servers(server: str) -> None:
    """`SERVER` chooses one, in a container as hardened as the stack's; SIGTERM ends it in time, with status 0."""
    running = of("api")[0]
    name = f"api-{server}-{uuid.uuid4().hex[:12]}"
    variables = [word for each in running.facts["Config"]["Env"] for word in ("-e", each)]
    networks = [word for each in running.facts["NetworkSettings"]["Networks"] for word in ("--network", each)]
    hardened = ["--init", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp"]  # noqa: S108 - in the container
    options = [*variables, "-e", f"SERVER={server}", *networks, "--volumes-from", f"{running.name}:ro", *hardened]
    docker("run", "-d", "--name", name, *options, "millrace/api")
    try:
        eventually(lambda: _health(name) == "healthy", said=f"the api is healthy under {server}")
        assert _ask(name, "/api/mode/")["server"] == server
        assert set(_ask(name, "/api/external/gather/")) == {"users", "products", "orders"}
        docker("stop", "-t", "30", name)
        (facts,) = json.loads(docker("inspect", name).stdout)
        assert facts["State"]["ExitCode"] == 0, docker("logs", name).stderr
        assert "process.stopped" in docker("logs", name).stderr
    finally:
        docker("rm", "-f", name, check=False)


def _health(name: str) -> str:
    (facts,) = json.loads(docker("inspect", name).stdout)
    assert facts["State"]["Running"], docker("logs", name).stderr
    return str(facts["State"]["Health"]["Status"])


def _ask(name: str, path: str) -> dict[str, Any]:
    """The JSON that the api in this container answers."""
    program = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000{path}').read().decode())"
    answer: dict[str, Any] = json.loads(docker("exec", name, "python", "-c", program).stdout)
    return answer


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what `make sbom` writes."""
    folder = tmp_path_factory.mktemp("bills")
    subprocess.run([ROOT / "scripts" / "sbom", folder], check=True, capture_output=True, timeout=100)
    return folder


@pytest.mark.timeout(120)
@pytest.mark.parametrize("service", OURS)
def test_the_bill_of_materials_is_what_is_installed(service: str, bills: Path) -> None:
    """`make sbom`, which reads locks, and the image agree on every package and version."""
    bill = json.loads((bills / f"{service}.cdx.json").read_text())
    named = {canonical(one["name"]): one["version"] for one in bill["components"]}
    program = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
    shown = of(service)[0].run("python", "-I", "-c", program).stdout.split()
    have = {canonical(name): version for name, version in (word.split("==") for word in shown)}
    assert {name: version for name, version in have.items() if name not in FIRST_PARTY} == named
