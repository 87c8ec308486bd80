"""The list of packages: read from the pyproject.toml files, and what must repeat it agrees with it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from packages import ROOT, Package, needed, packages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def printed(*arguments: str) -> list[str]:
    """The lines that the command prints."""
    command = [sys.executable, str(ROOT / "scripts/packages.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_dependencies_come_first() -> None:
    """Each package once, after all that it needs."""
    known = {
        name: Package(name, f"libs/{name}", name, dependencies)
        for name, dependencies in {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": (), "e": ()}.items()
    }
    assert [each.name for each in needed(["a"], known)] == ["d", "b", "c", "a"]
    assert [each.name for each in needed(["e", "d", "e"], known)] == ["e", "d"]
    with pytest.raises(KeyError, match="f"):
        needed(["f"], known)


def test_a_library_that_is_new_or_gone(tmp_path: Path) -> None:
    """Its folder is enough, and its absence too; requirements of others are none of ours."""
    (tmp_path / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["libs/*", "demo"]\n')
    folder = tmp_path / "libs" / "new"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "a-new-one"\ndependencies = ["redis>=7"]\n[tool.uv.build-backend]\nmodule-name = "new_one"\n'
    )
    assert packages(tmp_path) == {"a-new-one": Package("a-new-one", "libs/new", "new_one", ())}


def test_what_the_command_prints() -> None:
    """Folders, names, modules, sources or one path; the workspace itself is what runs the stack."""
    folders = printed("api")
    assert folders[-1] == "services/api"
    assert "libs/rooms" in folders
    assert "services/realtime" not in folders
    assert printed("--names", "millrace-client") == ["millrace-client"]
    assert printed("--modules", "mock-upstream") == ["mock_upstream"]
    assert printed("--sources", "mock-upstream") == ["services/mock-upstream/mock_upstream"]
    assert printed("--path", "mock-upstream") == [str(ROOT / "services/mock-upstream")]
    assert {"services/api", "services/realtime", "services/mock-upstream"} < set(printed("millrace"))
    assert "libs/client" not in printed("millrace")
    assert "libs/client" in printed()


def test_an_unknown_package_is_a_sentence() -> None:
    """It names those that there are."""
    command = [sys.executable, str(ROOT / "scripts/packages.py"), "apj"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "no package 'apj'; there are accounts, api," in ran.stderr


def test_the_lists_that_tools_need() -> None:
    """import-linter and coverage read theirs from pyproject.toml and nowhere else."""
    modules = {each.module for each in packages().values()}
    linter = PROJECT["tool"]["importlinter"]
    layers, apart, shipped = linter["contracts"]
    assert set(linter["root_packages"]) == modules
    assert {module for layer in layers["layers"] for module in layer.split(" | ")} == modules
    assert set(shipped["source_modules"]) | {"testing"} == modules
    parts = set(layers["layers"][-1].split(" | "))
    assert set(apart["source_modules"]) | parts | {"testing"} == modules
    assert set(PROJECT["tool"]["coverage"]["run"]["source_pkgs"]) == modules
