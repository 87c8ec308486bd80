"""The images: built like those of Compose, tagged by their content, and given to the cluster."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from kubernetes.kubectl import ROOT, Failed
from kubernetes.target import Target

SERVICES = ("api", "realtime", "mock-upstream", "gateway")
BUILD_SECONDS = 1800.0
LOAD_SECONDS = 600.0


def build(*, monitoring: bool) -> None:
    """Build the base images that are missing and then our own. Without changes both take a few seconds."""
    profiles = {"COMPOSE_PROFILES": "observability"} if monitoring else {}
    run("deploy/base-images/build", "--missing", env=profiles, within=BUILD_SECONDS)
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or _last_commit()
    run("docker", "compose", "build", *SERVICES, env={"SOURCE_DATE_EPOCH": epoch}, within=BUILD_SECONDS)


def tagged() -> dict[str, str]:
    """Tag each image with the first 12 digits of its content; returns the tags by service.

    `K8S_IMAGES` is the prefix of the images that are deployed: `millrace`, as they are built, unless a test has others.
    """
    prefix = os.environ.get("K8S_IMAGES") or "millrace"
    tags = {}
    for service in SERVICES:
        identity = run("docker", "image", "inspect", "-f", "{{.Id}}", f"{prefix}/{service}").strip()
        tags[service] = identity.removeprefix("sha256:")[:12]
        run("docker", "tag", f"{prefix}/{service}", f"{name(service)}:{tags[service]}")
    return tags


def name(service: str) -> str:
    """The full name of a service's image, without its tag; in `REGISTRY` if that is set."""
    registry = os.environ.get("REGISTRY", "").rstrip("/")
    return f"{registry or 'docker.io/millrace'}/{service}"


def load(target: Target, wanted: Iterable[str]) -> None:
    """Make sure that the nodes can run these images: load them, or push ours to `REGISTRY`."""
    own = [image for image in wanted if image.rpartition(":")[0] in {name(service) for service in SERVICES}]
    if os.environ.get("REGISTRY"):
        for image in own:
            run("docker", "push", "-q", image, within=LOAD_SECONDS)
        return
    nodes = target.kubectl.items("nodes")
    missing = [image for image in wanted if not _on_all(nodes, image)]
    here = [image for image in missing if _exists(image)]
    for command in loaders(target.context, here):
        copy(command)


def copy(command: list[str]) -> None:
    """Run a loader, a second time if the first fails: a busy engine or node ends such a copy now and then."""
    try:
        run(*command, within=LOAD_SECONDS)
    except Failed as failed:
        print("\n".join([*failed.detail[-3:], f"k8s: {failed}; trying once more"]), file=sys.stderr, flush=True)
        run(*command, within=LOAD_SECONDS)


def loaders(context: str, images: list[str]) -> list[list[str]]:
    """The commands that copy the images to the nodes of a cluster of this kind."""
    if not images:
        return []
    if os.environ.get("K8S_LOAD"):
        return [[*shlex.split(os.environ["K8S_LOAD"]), *images]]
    if context.startswith("kind-"):
        return [["kind", "load", "docker-image", "--name", context.removeprefix("kind-"), *images]]
    if context.startswith("k3d-"):
        return [["k3d", "image", "import", "--cluster", context.removeprefix("k3d-"), *images]]
    if context == "minikube":
        return [["minikube", "image", "load", image] for image in images]
    raise Failed(
        f"the context {context!r} is neither kind, minikube nor k3d: set REGISTRY=registry.example.org/you "
        "to push the images, or K8S_LOAD='command' to run it with their names"
    )


def _on_all(nodes: list[dict[str, Any]], image: str) -> bool:
    # A node reports 50 images at most: one that it has may be loaded again.
    return bool(nodes) and all(
        any(image in (entry.get("names") or []) for entry in node["status"].get("images", [])) for node in nodes
    )


def _exists(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def _last_commit() -> str:
    ran = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "0"


def run(*command: str, env: dict[str, str] | None = None, within: float = 60.0) -> str:
    """What a command prints on standard output. Raises `Failed` with its last lines if it fails."""
    try:
        ran = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | (env or {}),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within,
            check=False,
        )
    except FileNotFoundError as error:
        raise Failed(f"no program {command[0]}: {error}") from error
    if ran.returncode:
        said = (ran.stdout + ran.stderr).strip().splitlines()
        raise Failed(f"`{shlex.join(command)[:120]}` failed with {ran.returncode}", said[-30:])
    return ran.stdout
