"""Which unit tests a change can affect: those of the packages that it touches, and of all that depend on them."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import PurePath

import packages
from devstack.services import ROOT

# Tests of what is no package.
_OTHERS = {
    "deploy/kubernetes": "tests/manifests",
    "deploy": "deploy/tests",
    "devstack": "devstack/tests",
    "scripts": "scripts/tests",
    "k8s": "tests/manifests",
    "tests/manifests": "tests/manifests",
    "tests/chaos": "tests/chaos/tests",
    "tests/snapshots": "tests/snapshots",
    "bench": "bench/tests",
}
_WITH_SNAPSHOTS = {"services/api", "services/realtime"}
# A change here can affect anything.
_EVERYWHERE = (
    "pyproject.toml",
    "locks/dev.txt",
    "devstack/devstack/pytest_plugin.py",
    "devstack/devstack/lending.py",
    "libs/testing",
)


def changed_files(base: str = "") -> list[str]:
    """Paths that differ from `base`, and new ones. Default: since this branch left the remote's main branch."""
    since = base or _git("merge-base", "HEAD", "origin/HEAD") or _git("merge-base", "HEAD", "origin/main") or "HEAD"
    return [*_git("diff", "--name-only", since).split(), *_git("ls-files", "--others", "--exclude-standard").split()]


def folders() -> dict[str, tuple[str, ...]]:
    """The workspace's package folders, each with the folders of the packages that it names as dependencies."""
    known = packages.packages(ROOT)
    return {each.folder: tuple(known[name].folder for name in each.dependencies) for each in known.values()}


def affected_tests(changed: Iterable[str], known: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Test folders, and single files if only these changed. `known` is what `folders` returns."""
    chosen: set[str] = set()
    for path in map(PurePath, changed):
        if path.suffix == ".md":
            continue
        if any(path.is_relative_to(each) for each in _EVERYWHERE):
            chosen |= {f"{folder}/tests" for folder in known}
            continue
        folder = next((folder for folder in known if path.is_relative_to(folder)), None)
        if path.match("tests/test_*.py"):
            chosen.add(str(path))
        elif folder is None:
            chosen |= {tests for other, tests in _OTHERS.items() if path.is_relative_to(other)}
        elif path.is_relative_to(f"{folder}/tests"):
            chosen.add(f"{folder}/tests")
        else:
            dependents = _dependents(folder, known)
            chosen |= {f"{dependent}/tests" for dependent in dependents}
            if dependents & _WITH_SNAPSHOTS:
                chosen.add("tests/snapshots")
    existing = {path for path in chosen if (ROOT / path).exists()}
    return sorted(path for path in existing if not any(str(parent) in existing for parent in PurePath(path).parents))


def _dependents(folder: str, known: Mapping[str, tuple[str, ...]]) -> set[str]:
    found = {folder}
    while more := {user for user, used in known.items() if found.intersection(used)} - found:
        found |= more
    return found


def _git(*arguments: str) -> str:
    """Its output, or an empty string if it fails: there may be no remote, or no repository."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
