"""The same sources give the same images."""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.containers.engine import docker

ROOT = Path(__file__).parents[2]
BASE = "python:3.13-slim-trixie"


def built(service: str, tag: str) -> None:
    """An image that is built without any cached step."""
    command = ["docker", "build", "-q", "--no-cache", "-f", "deploy/Dockerfile", "--target", service]
    command += ["--build-arg", "SOURCE_DATE_EPOCH=1700000000", "-t", tag, "."]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=280)


def contents(tag: str, folder: Path) -> list[list[tuple[object, ...]]]:
    """Every entry of every layer: name, kind, mode, owner, link, time and checksum, as the engine would hand it on."""
    file = folder / "image.tar"
    docker("save", "-o", str(file), tag)
    with tarfile.open(file) as image:

        def read(name: str) -> bytes:
            member = image.extractfile(name)
            assert member is not None
            return member.read()

        names = json.loads(read("manifest.json"))[0]["Layers"]
        layers = [entries(read(name)) for name in names]
    file.unlink()
    return layers


def entries(layer: bytes) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for one in archive:
            data = archive.extractfile(one) if one.isfile() else None
            checksum = hashlib.sha256(data.read()).hexdigest() if data is not None else ""
            # A mark that says "this is deleted" has the time of the build, and no builder gives it another one.
            time = 0 if Path(one.name).name.startswith(".wh.") else one.mtime
            found.append((one.name, one.type, one.mode, one.uid, one.gid, one.linkname, time, checksum))
    return found


@pytest.mark.timeout(300)
def test_two_builds_are_the_same(tmp_path: Path) -> None:
    """With everything installed and compiled anew: names, owners, times and bytes, but for when a file was deleted."""
    tags = [f"millrace-test/mock-upstream:{number}" for number in (1, 2)]
    try:
        for tag in tags:
            built("mock-upstream", tag)
        first, second = (contents(tag, tmp_path) for tag in tags)
        digests = [json.loads(docker("image", "inspect", tag).stdout)[0]["RootFS"]["Layers"] for tag in tags]
    finally:
        docker("rmi", *tags, check=False)
    assert first == second
    base = json.loads(docker("image", "inspect", BASE).stdout)[0]["RootFS"]["Layers"]
    assert digests[0][: len(base)] == base
    # Digests too, of all layers of ours but the one that deletes what could install packages.
    ours = list(zip(*digests, first, strict=True))[len(base) :]
    deleting = [any(".wh." in str(entry[0]) for entry in layer) for _, _, layer in ours]
    assert (sum(deleting), len(ours)) == (1, 4)
    assert all(one == other or deletes for (one, other, _), deletes in zip(ours, deleting, strict=True))
