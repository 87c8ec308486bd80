"""`python scripts/locked.py LOCK`: what an image installs of a lock, that is the lines for Linux and its Python."""

import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

# As `python:3.13-slim` has it; whatever else a marker asks is the same for every image.
IMAGE = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "python_version": "3.13",
    "python_full_version": "3.13.0",
}


def installed(lock: str) -> Iterator[str]:
    """Each requirement without its marker, with its hashes, in the lock's order."""
    for entry in lock.replace("\\\n", " ").splitlines():
        line, *hashes = entry.split(" --hash=")
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate(dict(IMAGE)):
            requirement.marker = None
            yield " --hash=".join([str(requirement), *(value.strip() for value in hashes)])


if __name__ == "__main__":
    print("\n".join(installed(Path(sys.argv[1]).read_text())))
