"""The stack under test: its addresses, and `make k8s-up` and its kin as commands."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
from tests.containers.engine import docker
from tests.kubernetes.cluster import kubectl, sql

from kubernetes.images import SERVICES

ROOT = Path(__file__).parents[2]
API_URL = (os.environ.get("API_URL") or os.environ.get("K8S_URL") or "http://localhost:8080").rstrip("/")
REALTIME_URL = (os.environ.get("REALTIME_URL") or f"ws{API_URL.removeprefix('http')}").rstrip("/")
UPSTREAM_URL = os.environ.get("UPSTREAM_URL") or "http://localhost:8002"
METRICS_URL = os.environ.get("METRICS_URL") or "http://localhost:8100"
TLS_URL = os.environ.get("TLS_URL") or "https://localhost:8443"
RATE = float(os.environ.get("RATE") or 100)
SOCKETS = int(os.environ.get("SOCKETS") or 200)
ROOMS = min(10, SOCKETS)
COMPONENTS = os.environ.get("K8S_COMPONENTS") or "testing"
# Longer than `K8S_SECONDS`, within which the command itself gives up.
_WITHIN = 400.0
# What the suite deploys: the images that ran when it began, whatever is built meanwhile.
IMAGES = "millrace-suite"


def millrace(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m kubernetes ...`, as the Makefile's targets run it; nothing is built."""
    environment = {
        **os.environ,
        "PYTHONPATH": "deploy",
        "BUILD": "0",
        "K8S_IMAGES": IMAGES,
        "K8S_COMPONENTS": COMPONENTS,
        "K8S_URL": API_URL,
        "K8S_SECONDS": "240",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", "kubernetes", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_WITHIN,
        check=False,
    )


def succeed(*arguments: str, **variables: str) -> str:
    """As `millrace`; a failure shows what it said. Returns what it printed."""
    ran = millrace(*arguments, **variables)
    assert ran.returncode == 0, f"k8s-{' '.join(arguments)} failed:\n{ran.stderr[-3000:]}"
    return ran.stdout


def image_of(service: str) -> str:
    """The image that a Deployment runs."""
    return kubectl("get", "deployment", service, "-o", "jsonpath={.spec.template.spec.containers[0].image}")


def keep_images() -> None:
    """Give the images that run a name of the suite's own, under which `millrace` deploys them."""
    for service in SERVICES:
        docker("tag", image_of(service), f"{IMAGES}/{service}")


def build(service: str, prefix: str, folder: Path, lines: Sequence[str]) -> None:
    """Make `prefix/*`: the suite's images, but for one, which has these lines of a Dockerfile on top."""
    for other in SERVICES:
        docker("tag", f"{IMAGES}/{other}", f"{prefix}/{other}")
    text = "\n".join([f"FROM {IMAGES}/{service}", *lines])
    (folder / "Dockerfile").write_text(text + "\n")
    docker("build", "-q", "--pull=false", "-t", f"{prefix}/{service}", str(folder), within=120)


def login(username: str = "ada") -> str:
    """An access token of a demo user."""
    body = {"username": username, "password": f"millrace-{username}"}
    answer = httpx.post(f"{API_URL}/api/login/", json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def say(message: str, token: str = "") -> None:
    """Post to the lobby, as a demo user who signs in for it unless there is a token."""
    answer = httpx.post(
        f"{API_URL}/api/rooms/lobby/messages/",
        json={"message": message},
        headers={"Authorization": f"Bearer {token or login()}"},
        timeout=20,
    )
    assert answer.status_code == 201, answer.text


def stored(message: str) -> int:
    """How many times the database has a message."""
    return sql("SELECT body FROM rooms_message").splitlines().count(message)
