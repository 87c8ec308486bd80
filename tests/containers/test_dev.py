"""compose.dev.yaml: the services run the sources in the folder, and start anew when these change."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.containers.engine import DOCKER, compose, eventually, of

ROOT = Path(__file__).parents[2]
PORTS = {"api": 8000, "realtime": 8001}
BEFORE, AFTER = '_OK = {"status": "ok"}', '_OK = {"status": "ok", "edited": "yes"}'


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sources, which the services run meanwhile; afterwards they are what they were."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("libs", "services", "scripts", "locks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    files = os.environ.get("COMPOSE_FILE", "compose.yaml")
    with monkeypatch.context() as patched:
        patched.setenv("SOURCES", str(tmp_path))
        patched.setenv("COMPOSE_FILE", f"{files}:compose.dev.yaml")
        start(scale=1)
        yield tmp_path
    start(scale=2)


def start(scale: int) -> None:
    scaled = [word for service in PORTS for word in ("--scale", f"{service}={scale}")]
    compose("up", "-d", "--wait", "--no-deps", "--timeout", "5", *scaled, *PORTS, within=150)


def health(service: str) -> str:
    """What the only container of a service says of itself."""
    program = (
        "import urllib.request; "
        f"print(urllib.request.urlopen('http://127.0.0.1:{PORTS[service]}/health/live', timeout=2).read().decode())"
    )
    return of(service)[0].run("python", "-c", program).stdout


def says(service: str, word: str) -> bool:
    return word in health(service)


def ended(service: str) -> bool:
    return not health(service)


@pytest.mark.timeout(240)
def test_both_services_run_what_was_edited(sources: Path) -> None:
    """One change of a library that both use; no container is made anew for it."""
    containers = {service: of(service)[0].id for service in PORTS}
    assert all(json.loads(health(service)) == {"status": "ok"} for service in PORTS)
    file = sources / "libs" / "chassis" / "chassis" / "health.py"
    text = file.read_text()
    assert BEFORE in text
    file.write_text(text.replace(BEFORE, AFTER))
    for service in PORTS:
        eventually(partial(says, service, "edited"), said=f"{service} runs the change")
    # A mistake ends the program, and the next change starts it again.
    file.write_text("this is no Python")
    for service in PORTS:
        eventually(partial(ended, service), said=f"{service} ended")
    file.write_text(text)
    for service in PORTS:
        eventually(partial(says, service, '"ok"'), said=f"{service} is back")
    assert containers == {service: of(service)[0].id for service in PORTS}


@pytest.fixture
def watched(sources: Path) -> Iterator[Path]:
    """Where `docker compose watch` writes what it does, for the folder `sources`, while this lasts."""
    log = sources / "watch.log"
    command = [DOCKER, "compose", "watch", "--no-up", *PORTS]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as watching:
        try:
            eventually(lambda: "Watch enabled" in log.read_text(), said="it watches")
            yield log
        finally:
            watching.terminate()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", PORTS)
def test_watch_builds_a_service_anew_when_its_lock_changes(service: str, sources: Path, watched: Path) -> None:
    """What cannot be mounted; the other service is not built."""
    with (sources / "locks" / f"{service}.txt").open("a") as lock:
        lock.write("# changed\n")
    built = re.compile(rf"service\W+{service}\W+successfully built", re.IGNORECASE)
    # A whole environment is installed.
    eventually(lambda: built.search(watched.read_text()), said=f"{service} is built", within=180)
    begun = [line for line in watched.read_text().splitlines() if "Rebuilding service" in line]
    assert {name for name in PORTS for line in begun if f'"{name}"' in line} == {service}
