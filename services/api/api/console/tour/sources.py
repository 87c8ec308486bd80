"""Files of the repository by their path in it, wherever the packages are installed: in a checkout or in an image."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import accounts
import api
import async_handler
import chassis
import rooms

_PACKAGES = {
    "services/api": api,
    "libs/accounts": accounts,
    "libs/async-handler": async_handler,
    "libs/chassis": chassis,
    "libs/rooms": rooms,
}
# In a checkout there is everything; the installed packages have no folder of the repository's names above them.
_ROOT = Path(__file__).parents[5]


@dataclass(frozen=True, slots=True)
class Source:
    """A file by its path in the repository, and the line where something begins."""

    path: str
    line: int = 1


def file_of(path: str) -> Path | None:
    """Where the file with that path in the repository is; None where it is not here."""
    for folder, package in _PACKAGES.items():
        if path.startswith(f"{folder}/"):
            found = Path(package.__file__ or "").parents[1] / path.removeprefix(f"{folder}/")
            return found if found.is_file() else None
    # Only a checkout: beside an installed package there is nothing of this name.
    found = _ROOT / path
    return found if (_ROOT / "docs" / "tour.md").is_file() and found.is_file() else None


def of(code: Any) -> Source | None:
    """Where a function or class is written; None for what is not ours."""
    code = inspect.unwrap(code)
    file = Path(inspect.getsourcefile(code) or "")
    for folder, package in _PACKAGES.items():
        parent = Path(package.__file__ or "").parents[1]
        if file.is_relative_to(parent / package.__name__):
            return Source(f"{folder}/{file.relative_to(parent).as_posix()}", inspect.getsourcelines(code)[1])
    return None
