#!/usr/bin/env python3
"""The packages of the workspace, as their pyproject.toml files have them: the only list of them.

Usage: packages.py [--names | --modules | --sources | --path] [NAME]...

Prints the folders of the packages NAME (default: all) and of all that they depend on, a line each, those first that are
depended on. `millrace` is the workspace itself: what it depends on runs the stack. With --names their names, with
--modules what is imported, with --sources the folders of the modules, with --path the folders as one search path.

Needs nothing but Python 3.12, because what installs everything else calls it.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Package:
    """`folder` is relative to the root; `module` is what is imported; `dependencies` are names of other packages."""

    name: str
    folder: str
    module: str
    dependencies: tuple[str, ...]

    @property
    def source(self) -> str:
        """The folder of the module."""
        return f"{self.folder}/{self.module}"


def packages(root: Path = ROOT) -> dict[str, Package]:
    """The packages by their names. Members of the workspace whose folder is absent are none."""
    members = _project(root)["tool"]["uv"]["workspace"]["members"]
    folders = sorted(file.parent for pattern in members for file in root.glob(f"{pattern}/pyproject.toml"))
    projects = {folder: _project(folder) for folder in folders}
    names = {project["project"]["name"] for project in projects.values()}
    return {
        project["project"]["name"]: Package(
            name=project["project"]["name"],
            folder=folder.relative_to(root).as_posix(),
            module=project["tool"]["uv"]["build-backend"]["module-name"],
            # The other requirements are packages of a registry.
            dependencies=tuple(each for each in project["project"].get("dependencies", []) if each in names),
        )
        for folder, project in projects.items()
    }


def needed(names: Iterable[str], known: dict[str, Package]) -> list[Package]:
    """The packages of these names and all that they depend on, those first. Raises `KeyError` for an unknown name."""
    found: dict[str, Package] = {}

    def add(name: str) -> None:
        if name not in found:
            for dependency in known[name].dependencies:
                add(dependency)
            found[name] = known[name]

    for name in names:
        add(name)
    return list(found.values())


def _project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a package, such as api; default: all")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--names", dest="kind", action="store_const", const="name", default="folder")
    kind.add_argument("--modules", dest="kind", action="store_const", const="module")
    kind.add_argument("--sources", dest="kind", action="store_const", const="source")
    kind.add_argument("--path", dest="kind", action="store_const", const="path", help="absolute folders, as one line")
    options = parser.parse_args()
    known = packages()
    workspace = _project(ROOT)["project"]
    names = options.names or [*known]
    if workspace["name"] in names:
        names = [*(name for name in names if name != workspace["name"]), *workspace["dependencies"]]
    try:
        found = needed(names, known)
    except KeyError as error:
        sys.exit(f"packages: there is no package {error}; there are {', '.join(sorted(known))}")
    if options.kind == "path":
        print(os.pathsep.join(str(ROOT / package.folder) for package in found))
    else:
        for package in found:
            print(getattr(package, options.kind))


if __name__ == "__main__":
    main()
