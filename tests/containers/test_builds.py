"""The same sources give the same images."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.containers.engine import docker

ROOT = Path(__file__).parents[2]


def layers(image: str) -> list[str]:
    (facts,) = json.loads(docker("image", "inspect", image).stdout)
    found: list[str] = facts["RootFS"]["Layers"]
    return found


def built(service: str, tag: str, epoch: str) -> list[str]:
    """The layers of an image that is built without any cached step."""
    command = ["docker", "build", "-q", "--no-cache", "-f", "deploy/Dockerfile", "--target", service]
    command += ["--build-arg", f"SOURCE_DATE_EPOCH={epoch}", "-t", tag, "."]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=280)
    return layers(tag)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["mock-upstream"])
def test_two_builds_have_the_same_layers(service: str) -> None:
    """Bit for bit, with everything installed and compiled anew; the base's layers come first."""
    tags = [f"millrace-test/{service}:{number}" for number in (1, 2)]
    try:
        first, second = (built(service, tag, "1700000000") for tag in tags)
    finally:
        docker("rmi", *tags, check=False)
    assert first == second
    assert first[: len(base := layers("python:3.13-slim-trixie"))] == base
    assert len(first) > len(base)
