"""The locks name versions and hashes, and no place to get them from; each has all that its packages ask for."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from packages import packages

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))


def _project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


WORKSPACE = _project(ROOT)
MEMBERS = {name: ROOT / package.folder for name, package in packages().items()}
# Of each lock: the packages whose dependencies it pins, and the workspace's groups.
USES: dict[str, tuple[list[Path], list[str]]] = {
    **{project.parent.name: ([project.parent], []) for project in (ROOT / "services").glob("*/pyproject.toml")},
    "run": ([ROOT], ["devstack"]),
    "dev": ([ROOT], ["devstack", "dev"]),
    "build": ([], ["build"]),
    "bench": ([ROOT / "bench"], []),
}


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock.read_text(), re.MULTILINE))


def _of_group(name: str) -> Iterator[str]:
    for each in WORKSPACE["dependency-groups"][name]:
        if isinstance(each, str):
            yield each
        else:
            yield from _of_group(each["include-group"])


def _asked_for(folders: list[Path], groups: list[str]) -> Iterator[Requirement]:
    """What the packages and the groups require, with what the workspace's own packages among it require."""
    texts = [text for folder in folders for text in _project(folder)["project"]["dependencies"]]
    for requirement in map(Requirement, [*texts, *(text for group in groups for text in _of_group(group))]):
        if requirement.name in MEMBERS:
            yield from _asked_for([MEMBERS[requirement.name]], [])
        elif requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def _is_met(requirement: Requirement, pins: dict[str, str]) -> bool:
    version = pins.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def test_each_lock_has_a_use_and_each_service_a_lock() -> None:
    """A service without a lock could not be built; a lock without a use would not be kept up to date."""
    assert {lock.stem for lock in LOCKS} == set(USES)


@pytest.mark.parametrize("use", USES)
def test_a_lock_has_all_that_is_asked_for(use: str) -> None:
    """Every requirement of the pyproject.toml files has a pin within its bounds; `scripts/lock` makes it so."""
    pins = _pins(ROOT / f"locks/{use}.txt")
    asked = list(_asked_for(*USES[use]))
    assert asked
    assert [str(each) for each in asked if not _is_met(each, pins)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_no_address_and_no_path(lock: Path) -> None:
    """Whoever installs decides where from."""
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)|^[./]|/home|@ ", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_has_a_version_and_hashes(lock: Path) -> None:
    """So that `--require-hashes` holds."""
    for requirement in re.split(r"\n(?=\S)", lock.read_text().strip()):
        assert re.match(r"[a-z0-9][a-z0-9._-]*==[^\s;]+( ; .+?)? \\\n", requirement), requirement[:80]
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_agree(lock: Path) -> None:
    """What is tested (dev) is what runs; only the benchmark's peers have packages of their own."""
    tested = _pins(Path(LOCKS[0]).with_name("dev.txt"))
    pins = {name: version for name, version in _pins(lock).items() if lock.stem != "bench" or name in tested}
    differing = {name: version for name, version in pins.items() if tested.get(name) != version}
    assert differing == {}
